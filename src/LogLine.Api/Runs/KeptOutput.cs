using System.Text;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// What the result of a command (<c>container.exec</c>) that has ended has of its output: its own, masked when it was kept. Neither its container nor an engine is needed to show it.
/// </summary>
public sealed class KeptOutput
{
    private readonly LogRing _said = new();

    private KeptOutput(JsonElement result)
    {
        foreach (var (source, name) in new[] { (1, "stdout"), (2, "stderr") })
        {
            var text = result.Text(name) ?? "";
            _said.Append(source, Encoding.UTF8.GetBytes(text.Length == 0 || text.EndsWith('\n') ? text : text + '\n'));
        }
        _said.End();
    }

    /// <summary>The output of a run's command; null for a run of anything else, and for one that has not ended or has no result.</summary>
    public static KeptOutput? Of(RunRow run) =>
        run is { Intent: "container.exec", HasEnded: true } && RunDetail.ResultOf(run.Detail) is { ValueKind: JsonValueKind.Object } result ? new KeptOutput(result) : null;

    /// <summary>The last lines, those that contain <paramref name="grep"/> when it is given.</summary>
    public LogTail Read(int tail, string? grep)
    {
        var (lines, _, dropped) = _said.Look();
        var wanted = lines.Select(line => line.Text).Where(line => grep is null || line.Contains(grep, StringComparison.Ordinal)).ToList();
        return new LogTail([.. wanted.TakeLast(tail)], dropped + Math.Max(0, wanted.Count - tail));
    }

    /// <summary>The same as a log that is followed: the last lines, and its end.</summary>
    public FollowedLog Follow(int tail, string? grep)
    {
        var ((lines, _, dropped), ring) = (_said.Look(), new LogRing());
        if (dropped + Math.Max(0, lines.Count - tail) is > 0 and var before)
        {
            ring.Skip(before);
        }
        foreach (var line in lines.TakeLast(tail))
        {
            ring.Append(line);
        }
        ring.End();
        return new FollowedLog(null, ring, SecretMask.None, grep, Task.CompletedTask);
    }
}
