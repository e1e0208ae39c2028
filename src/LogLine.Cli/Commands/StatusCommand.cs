using System.CommandLine;
using System.Globalization;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary>
/// <c>logline status</c>: where a run or a subject stands. <c>--watch</c> follows it over the stream, <c>--watch --no-stream</c> by polling; without
/// <c>--watch</c> it asks once.
/// </summary>
internal static class StatusCommand
{
    public static Command Create(CommandTree tree)
    {
        var what = new Argument<string>("SUBJECT|RUN") { Description = "urn:minicontainer:<tenant>/<name>, another subject, or run_…" };
        var watch = new Option<bool>("--watch") { Description = "Follow it: a run until it has ended, a subject until Ctrl-C." };
        var after = new Option<long?>("--after") { HelpName = "SEQ", Description = "Watch from behind this cursor [the beginning]." };
        var noStream = RunOptions.NoStream();
        return tree.Leaf("status", "Show where a run or a subject stands.",
            call => RunAsync(call, call.Get(what), call.Get(watch), !call.Get(noStream), call.Get(after)), what, watch, noStream, after);
    }

    /// <summary>Shows a run or a subject, once or until it has ended.</summary>
    public static async Task<int> RunAsync(Call call, string what, bool watch, bool stream, long? after)
    {
        var isRun = RunStateText.IsRunId(what);
        if (!isRun && !what.StartsWith("urn:", StringComparison.Ordinal))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{what}' is neither a subject nor a run.", "urn:minicontainer:<tenant>/<name>, or run_…"));
        }
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        return (isRun, watch) switch
        {
            (true, true) => await new RunWatch(call, gateway, what).UntilAsync(after, stream, RunStateText.HasEnded),
            (true, false) => await RunOnceAsync(call, gateway, what),
            (false, true) when stream => await SubjectStreamAsync(call, gateway, what, after),
            (false, true) => await new SubjectHistory(call, gateway, what).FollowAsync(),
            _ => await SubjectView.ShowAsync(call, gateway, what),
        };
    }

    private static async Task<int> RunOnceAsync(Call call, GatewayClient gateway, string run)
    {
        if ((await gateway.GetAsync($"/v1/runs/{run}", call.Stop)).Fails(out var failure, out var known))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(known.WriteTo, line =>
        {
            var state = known.Text("state");
            line($"{run}  {state}", SpanLines.ToneOf(state));
            foreach (var name in (ReadOnlySpan<string>)["subject", "ref", "created_at", "started_at", "ended_at"])
            {
                if (known.Text(name) is { } value)
                {
                    line($"  {name,-10}  {value}", Tone.Plain);
                }
            }
            if (RunStateText.Detail(known) is { Length: > 0 } detail)
            {
                line($"  {detail}", Tone.Plain);
            }
            foreach (var text in RunStateText.LastLines(known))
            {
                line($"  | {text}", Tone.Quiet);
            }
        });
    }

    private static async Task<int> SubjectStreamAsync(Call call, GatewayClient gateway, string subject, long? after)
    {
        var events = new EventStream(gateway, call.Shell.Time, call.Note);
        call.Resume = () => $"Stopped watching.\n  → logline status {subject} --watch --after {(events.LastSeen ?? 0).ToString(CultureInfo.InvariantCulture)}";
        await foreach (var received in events.FollowAsync($"/v1/stream?subject={Uri.EscapeDataString(subject)}", after ?? 0, call.Stop))
        {
            if (received.Fails(out var failure, out var item))
            {
                return call.Screen.Refuse(failure);
            }
            SpanLines.Show(call.Screen, item);
        }
        return ExitCodes.Done;
    }
}
