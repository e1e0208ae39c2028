using System.Text;
using System.Text.Json;

namespace LogLine.Cli.Tests;

/// <summary>A person's shell with a home folder of its own: runs the real command line in this process and keeps what it said.</summary>
internal sealed class Terminal : IDisposable
{
    private readonly Dictionary<string, string> _variables = [];

    public Terminal() => _variables["LOGLINE_HOME"] = Home;

    /// <summary>The folder that is removed at the end.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("logline-cli-").FullName;

    /// <summary>LOGLINE_HOME.</summary>
    public string Home => Path.Combine(Folder, "home");

    /// <summary>Whether the person can be asked.</summary>
    public bool CanAsk { get; set; }

    /// <summary>Whether output goes to a terminal.</summary>
    public bool IsTerminal { get; set; }

    /// <summary>Sees what is said on standard error, when it is said.</summary>
    public Action<string> Heard { get; set; } = _ => { };

    /// <summary>What results that are no text of the program's go to.</summary>
    public MemoryStream RawOutput { get; set; } = new();

    public TimeProvider Time { get; set; } = new HurriedTime();

    public string this[string variable]
    {
        set => _variables[variable] = value;
    }

    /// <summary>A path in the folder.</summary>
    public string At(string name) => Path.Combine(Folder, name);

    public string Write(string name, string content)
    {
        File.WriteAllText(At(name), content);
        return At(name);
    }

    public Task<Spoken> RunAsync(params string[] args) => RunAsync("", args);

    /// <param name="to">Where standard output goes instead of into the answer.</param>
    public async Task<Spoken> RunAsync(string input, string[] args, CancellationToken stop = default, TextWriter? to = null)
    {
        using var output = new StringWriter();
        using var errors = new HeardWriter(Heard);
        var shell = new Shell
        {
            Input = new MemoryStream(Encoding.UTF8.GetBytes(input)),
            Output = to ?? output,
            RawOutput = RawOutput,
            Errors = errors,
            Variable = name => _variables.GetValueOrDefault(name),
            CanAsk = CanAsk,
            OutputIsTerminal = IsTerminal,
            ErrorsAreTerminal = IsTerminal,
            Time = Time,
        };
        var code = await Invocation.RunAsync(args, shell, stop.CanBeCanceled ? stop : TestContext.Current.CancellationToken);
        return new Spoken(code, output.ToString(), errors.ToString());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private sealed class HeardWriter(Action<string> heard) : StringWriter
    {
        public override void Write(string? value)
        {
            base.Write(value);
            heard(value ?? "");
        }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            heard(value ?? "");
        }
    }
}

/// <summary>What a command said, and its exit code.</summary>
internal sealed record Spoken(int ExitCode, string Output, string Errors)
{
    /// <summary>The one document on standard output.</summary>
    public JsonElement Json
    {
        get
        {
            Assert.Single(Output.TrimEnd('\n').Split('\n'));
            return JsonDocument.Parse(Output).RootElement;
        }
    }

    /// <summary>The documents on standard output, one a line.</summary>
    public IReadOnlyList<JsonElement> Lines => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>Fails with everything that was said.</summary>
    public Spoken Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, not {exitCode}\n{Output}\n{Errors}");
        return this;
    }
}

/// <summary>A clock on which every pause takes its time, and which no test has to wait for.</summary>
internal sealed class HurriedTime : TimeProvider
{
    private long _skippedTicks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _skippedTicks));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _skippedTicks, by.Ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == Timeout.InfiniteTimeSpan)
        {
            return System.CreateTimer(callback, state, dueTime, period);
        }
        Advance(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
