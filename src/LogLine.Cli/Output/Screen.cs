using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Output;

/// <summary>How a line is meant; colours show it on a terminal, nothing does elsewhere.</summary>
internal enum Tone
{
    Plain,
    Quiet,
    Good,
    Warning,
    Bad,
}

/// <summary>
/// Where a command speaks. Results go to standard output: with <c>--json</c> as one JSON document (NDJSON while watching), else as
/// text. Everything else goes to standard error. Control characters of foreign text (a container's log) never reach a terminal.
/// </summary>
internal sealed class Screen(Shell shell, bool json)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly bool _colours = string.IsNullOrEmpty(shell.Variable("NO_COLOR")) && shell.Variable("TERM") != "dumb";
    private readonly Lock _errors = new();
    private bool _isDrawn;

    /// <summary>Whether results are JSON.</summary>
    public bool Json => json;

    /// <summary>Says the result: a document for programs, lines for people.</summary>
    public int Result(Action<Utf8JsonWriter> document, Action<Action<string, Tone>> lines)
    {
        if (json)
        {
            Document(document);
        }
        else
        {
            lines(Line);
        }
        return ExitCodes.Done;
    }

    /// <summary>One line of result for people; nothing with <c>--json</c>.</summary>
    public void Line(string text, Tone tone = Tone.Plain)
    {
        if (!json)
        {
            Say(() => Write(shell.Output, shell.OutputIsTerminal, text, tone));
        }
    }

    /// <summary>What a command in a container said, on the same two channels, without a line end that it did not say.</summary>
    public void Raw(string output, string errors)
    {
        if (!json)
        {
            Say(() => shell.Output.Write(shell.OutputIsTerminal ? Printable(output) : output));
            shell.Errors.Write(shell.ErrorsAreTerminal ? Printable(errors) : errors);
        }
    }

    /// <summary>One JSON document on a line of its own; call it with <c>--json</c> only, or for a result that is JSON itself.</summary>
    public void Document(Action<Utf8JsonWriter> document)
    {
        var text = Text(document);
        Say(() => shell.Output.WriteLine(text));
    }

    /// <summary>Something beside the result.</summary>
    public void Note(string text, Tone tone = Tone.Quiet)
    {
        lock (_errors)
        {
            Draw("");
            Write(shell.Errors, shell.ErrorsAreTerminal, text, tone);
        }
    }

    /// <summary>Whether <see cref="Progress"/> shows anything: a person looks, at a terminal that can go back in a line.</summary>
    public bool ShowsProgress { get; } = shell.ErrorsAreTerminal && shell.Variable("TERM") != "dumb";

    /// <summary>How far something is, in the place of what it said last: for a person at a terminal alone. Empty when it is over.</summary>
    public void Progress(string text)
    {
        lock (_errors)
        {
            Draw(text);
        }
    }

    /// <summary>Says why it failed and what to do next.</summary>
    /// <returns>The exit code.</returns>
    public int Refuse(CommandFailure failure)
    {
        if (json)
        {
            Document(document => Write(document, failure));
        }
        Note($"logline: {failure.Message} [{failure.Code}]", Tone.Bad);
        if (failure.Next is { } next)
        {
            Note($"  → {next.Replace("\n", "\n    ", StringComparison.Ordinal)}", Tone.Plain);
        }
        if (failure.TraceId is { } trace)
        {
            Note($"  trace {trace}");
        }
        return failure.ExitCode;
    }

    /// <summary>Asks a person; false without one, and for anything but a yes.</summary>
    public bool Ask(string question)
    {
        if (!shell.CanAsk)
        {
            return false;
        }
        shell.Errors.Write($"{question} [y/N] ");
        using var reader = new StreamReader(shell.Input, Encoding.UTF8, leaveOpen: true);
        return reader.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes" or "s" or "sim";
    }

    /// <summary>Writes to standard output, which may be a full disk or closed.</summary>
    private static void Say(Action write)
    {
        try
        {
            write();
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailureException(new CommandFailure("output", $"Standard output takes nothing: {(defect.InnerException ?? defect).Message}", "What was asked for may have been done: look before it is done again."));
        }
    }

    private static void Write(Utf8JsonWriter document, CommandFailure failure)
    {
        document.WriteStartObject();
        document.WriteStartObject("error");
        document.WriteString("code", failure.Code);
        document.WriteString("message", failure.Message);
        document.WriteString("next", failure.Next);
        document.WriteString("trace_id", failure.TraceId);
        if (failure.Body.ValueKind != JsonValueKind.Undefined)
        {
            document.WritePropertyName("answer");
            failure.Body.WriteTo(document);
        }
        document.WriteEndObject();
        document.WriteEndObject();
    }

    private static string Text(Action<Utf8JsonWriter> document)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            document(writer);
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void Write(TextWriter writer, bool terminal, string text, Tone tone)
    {
        var clean = Printable(text);
        var colour = tone switch { Tone.Quiet => "2", Tone.Good => "32", Tone.Warning => "33", Tone.Bad => "31", _ => null };
        writer.WriteLine(terminal && _colours && colour is not null ? $"\e[{colour}m{clean}\e[0m" : clean);
    }

    private void Draw(string text)
    {
        if (ShowsProgress && (_isDrawn || text.Length > 0))
        {
            shell.Errors.Write($"\r{Printable(text)}\e[K");
            _isDrawn = text.Length > 0;
        }
    }

    /// <summary>Foreign text may carry escape sequences that move the cursor or rename the window: shown as a box, not obeyed.</summary>
    private static string Printable(string text) =>
        text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')) ? string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c)) : text;
}
