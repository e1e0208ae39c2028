using System.Text;

namespace LogLine.Cli.Output;

/// <summary>What the program is given by whoever starts it: streams, variables, a clock. Nothing else reaches outside but files and the gateway.</summary>
internal sealed record Shell
{
    /// <summary>For <c>-</c> and for answers to questions.</summary>
    public required Stream Input { get; init; }

    /// <summary>Results alone.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Where a result goes that is no text of ours, byte for byte: standard output itself.</summary>
    public Stream RawOutput { get; init; } = Stream.Null;

    /// <summary>Everything said beside the result.</summary>
    public required TextWriter Errors { get; init; }

    /// <summary>An environment variable; null when unset.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Whether <see cref="Output"/> is looked at by a person.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether <see cref="Errors"/> is looked at by a person.</summary>
    public bool ErrorsAreTerminal { get; init; }

    /// <summary>Whether a person can answer a question.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Is cancelled when nobody reads <see cref="Output"/> any more; asked for by what runs long enough to care.</summary>
    public Func<CancellationToken> OutputClosed { get; init; } = () => default;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>That of this process. Output is UTF-8 without a byte order mark.</summary>
    public static Shell OfProcess() => new()
    {
        Input = Console.OpenStandardInput(),
        Output = Writer(Console.OpenStandardOutput()),
        RawOutput = Console.OpenStandardOutput(),
        Errors = Writer(Console.OpenStandardError()),
        Variable = Environment.GetEnvironmentVariable,
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorsAreTerminal = !Console.IsErrorRedirected,
        CanAsk = !Console.IsInputRedirected && !Console.IsErrorRedirected,
        OutputClosed = () => ClosedOutput.OfProcess,
    };

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
}
