using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>What the result of a command that has ended has of its output, masked when it was kept: neither its container nor an engine is needed to show it.</summary>
public sealed class KeptOutput
{
    private readonly RunOutput _said;

    private KeptOutput(RunOutput said) => _said = said;

    /// <summary>The output of a run's command; null for a run of anything else, and for one that has not ended or has no result.</summary>
    public static KeptOutput? Of(RunRow run) =>
        LocalRunLogs.IsCommand(run) && run.HasEnded && RunDetail.ResultOf(run.Detail).ValueKind == JsonValueKind.Object ? new KeptOutput(LocalRunLogs.Kept(run)) : null;

    /// <summary>The last lines, those that contain <paramref name="grep"/> when it is given.</summary>
    public LogTail Read(int tail, string? grep)
    {
        var (lines, dropped) = _said.Look();
        return LocalRunLogs.Shown(lines.Select(line => line.Text), dropped, grep, tail);
    }

    /// <summary>The same as a log that is followed: the last lines, those that contain <paramref name="grep"/> when it is given, and its end.</summary>
    public FollowedLog Follow(int tail, string? grep)
    {
        var ring = new LogRing(shown: line => line.Shown(SecretMask.None, grep));
        _said.Fill(ring, tail);
        ring.End();
        return new FollowedLog(null, ring, Task.CompletedTask);
    }
}
