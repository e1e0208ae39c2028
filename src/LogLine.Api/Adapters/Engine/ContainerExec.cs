using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Commands inside a container. Nothing goes through a shell; output is bounded while it comes; the time is limited always.</summary>
internal sealed class ContainerExec(OwnContainers containers, IContainerEngine engine, TimeProvider time)
{
    const int DefaultTimeoutSeconds = 60;

    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive> { ["container.exec"] = RunAsync };

    async Task<PrimitiveResult> RunAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var container = await containers.IdAsync(call, cancel);
        var stdin = call.Arguments.Text("stdin_b64") is { } text ? Convert.FromBase64String(text) : null;
        var timeout = TimeSpan.FromSeconds(call.Arguments.Integer("timeout_s") ?? DefaultTimeoutSeconds);
        var order = new ExecOrder(container, RequestOf(call.Arguments, stdin is not null), stdin, timeout, call.Begun);
        var (output, errors, since) = (new LastBytes(ResultText.MaxBytes), new LastBytes(ResultText.MaxBytes), time.GetTimestamp());
        var outcome = await engine.ExecAsync(order, (source, piece) =>
        {
            (source == 2 ? errors : output).Append(piece);
            call.Said(source, piece);
        }, cancel);
        var duration = (long)time.GetElapsedTime(since).TotalMilliseconds;
        var (stdout, stderr) = (ResultText.Fit(output.ToArray(), out var less), ResultText.Fit(errors.ToArray(), out var lesser));
        (var exitCode, stdout, stderr) = EngineQuirks.ExecOutcome(outcome.ExitCode, stdout, stderr);
        return PrimitiveResult.Of(
            new ExecResult(exitCode, stdout, stderr, duration, outcome.TimedOut, less || lesser || output.Dropped > 0 || errors.Dropped > 0, outcome.Killed), ResultJson.Default.ExecResult, exitCode);
    }

    /// <summary>Runs a command to its end, or until its time is over, for a health check; and what it said if that is short.</summary>
    public async Task<(ExecOutcome Outcome, string Said)> ProbeAsync(string containerId, IReadOnlyList<string> argv, TimeSpan timeout, CancellationToken cancel)
    {
        const int Words = 1000;
        var output = new LastBytes(Words);
        var outcome = await engine.ExecAsync(new ExecOrder(containerId, new ExecRequest { Cmd = argv }, null, timeout, () => Task.CompletedTask), (_, piece) => output.Append(piece), cancel);
        // Cut, a secret that it said could not be recognised any more, and hidden.
        return (outcome, output.Dropped > 0 ? "" : ResultText.Fit(output.ToArray(), out _).Trim());
    }

    static ExecRequest RequestOf(JsonElement arguments, bool hasInput) => new()
    {
        Cmd = arguments.Texts("argv"),
        Env = arguments.Member("env") is { ValueKind: JsonValueKind.Object } env ? [.. env.EnumerateObject().Select(variable => $"{variable.Name}={variable.Value.GetString()}")] : null,
        WorkingDir = arguments.Text("workdir"),
        User = arguments.Text("user"),
        Tty = arguments.Flag("tty") ?? false,
        AttachStdin = hasInput,
    };
}
