using System.Globalization;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>
/// States of a run as spans say them (contract, section 7): planned, pending, applied, running, then exited, failed or cancelled.
/// </summary>
internal static class RunStateText
{
    private const double MiB = 1 << 20;

    /// <summary>The state that a span puts a run in, or null for a span of another kind.</summary>
    public static string? Of(JsonElement span) => span.Text("intent") switch
    {
        "deploy.planned" => "planned",
        "deploy.applied" => "applied",
        { } intent when intent.StartsWith("run_state.", StringComparison.Ordinal) => intent["run_state.".Length..],
        _ => null,
    };

    /// <summary>Nothing comes after it.</summary>
    public static bool HasEnded(string state) => state is "exited" or "failed" or "cancelled";

    /// <summary>It runs, or never will.</summary>
    public static bool IsUp(string state) => state == "running" || HasEnded(state);

    /// <summary>The run did not do what it was started for.</summary>
    public static bool IsBad(string? state) => state is "failed" or "cancelled";

    /// <summary><c>^run_[0-9a-z]{1,64}$</c></summary>
    public static bool IsRunId(string text) => text.Length is > 4 and <= 68 && text.StartsWith("run_", StringComparison.Ordinal) && text.AsSpan(4).IndexOfAnyExcept("0123456789abcdefghijklmnopqrstuvwxyz") < 0;

    /// <summary>How far a run is, by the payload of a <c>run.progress</c>; null for any other.</summary>
    public static string? Progress(JsonElement payload) => (payload.Integer("done"), payload.Integer("total"), payload.Text("unit")) switch
    {
        ({ } done, { } total and > 0, "bytes") => string.Create(CultureInfo.InvariantCulture, $"{done / MiB:0.0} of {total / MiB:0.0} MiB ({done * 100 / total} %)"),
        ({ } done, { } total, "steps") => string.Create(CultureInfo.InvariantCulture, $"step {done} of {total}"),
        ({ } done, null, "steps") => string.Create(CultureInfo.InvariantCulture, $"{done} {(done == 1 ? "layer" : "layers")}"), // of how many Podman does not say
        _ => null,
    };

    /// <summary>What there is to know beside the state, in one line: of a span's payload or of a run document.</summary>
    public static string Detail(JsonElement facts)
    {
        var parts = new List<string>();
        if (Progress(facts) is { } progress)
        {
            parts.Add(progress);
        }
        if (facts.Integer("exit_code") is { } code)
        {
            parts.Add($"exit code {code}");
        }
        if (facts.Text("reason") is { } reason)
        {
            parts.Add(reason);
        }
        if (facts.Text("error") is { } error)
        {
            parts.Add(error.TrimEnd('.'));
        }
        if (facts.Text("image_digest") is { } image)
        {
            parts.Add(image);
        }
        parts.AddRange(facts.Texts("image_repo_digests").Take(1));
        parts.AddRange(Ports(facts).Select(port => $"port {port.Host} → {port.Container}"));
        parts.AddRange(facts.Texts("revoked_grants").Select(grant => $"still holds the revoked grant {grant}"));
        return string.Join(", ", parts);
    }

    /// <summary>Published ports.</summary>
    public static IEnumerable<(long Host, long Container)> Ports(JsonElement facts) =>
        facts.Items("ports").Select(port => (Host: port.Integer("host") ?? 0, Container: port.Integer("container") ?? 0)).Where(port => port.Host > 0);

    /// <summary>The last lines of the log, each a string or an object with <c>line</c>.</summary>
    public static IEnumerable<string> LastLines(JsonElement facts) =>
        facts.Items("log_tail").Select(line => line.ValueKind == JsonValueKind.String ? line.GetString()! : line.Text("line") ?? line.Text("text") ?? line.GetRawText());
}
