using System.CommandLine;
using System.Globalization;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;

namespace LogLine.Cli.Commands.Spans;

/// <summary><c>logline spans tail</c>: spans as they come, until Ctrl-C or so many; a line each, or NDJSON.</summary>
internal static class TailCommand
{
    public static Command Create(CommandTree tree)
    {
        var filter = new SpanFilterOptions();
        var after = new Option<long?>("--after") { HelpName = "SEQ", Description = "From behind this cursor; 0 is the beginning [what comes from now on]." };
        var limit = new Option<long?>("--limit") { HelpName = "N", Description = "End after so many [Ctrl-C ends it]." };
        return tree.Leaf("tail", "Follow spans as they come.", call => RunAsync(call, filter.Of(call), call.Get(after), call.Get(limit) ?? long.MaxValue), [.. filter.All, after, limit]);
    }

    private static async Task<int> RunAsync(Call call, SpanFilterOptions.SpanChoice filter, long? after, long limit)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        var events = new EventStream(gateway, call.Shell.Time, call.Note);
        call.Resume = () => events.LastSeen is { } seen ? $"Stopped.\n  → logline spans tail --after {seen.ToString(CultureInfo.InvariantCulture)}" : "Stopped.";
        await foreach (var received in events.FollowAsync("/v1/stream" + filter.Query(), after, call.Stop))
        {
            if (received.Fails(out failure, out var item))
            {
                return call.Screen.Refuse(failure);
            }
            SpanLines.Show(call.Screen, item);
            if (--limit <= 0)
            {
                break;
            }
        }
        return ExitCodes.Done;
    }
}
