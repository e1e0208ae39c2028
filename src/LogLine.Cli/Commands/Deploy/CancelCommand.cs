using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy cancel</c>: ends a run (<c>run.cancel</c>), whose subject the gateway is asked for.</summary>
internal static class CancelCommand
{
    private static readonly TimeSpan PollPause = TimeSpan.FromMilliseconds(250);
    private static readonly SpanForm Form = new("run.cancel", "function", "run/cancel.v1");

    public static Command Create(CommandTree tree)
    {
        var run = new Argument<string>("RUN") { Description = "The run: run_…" };
        var reason = new Option<string?>("--reason") { HelpName = "TEXT", Description = "Why." };
        var wait = RunOptions.Wait("Wait for it, N seconds at most; 0 does not wait.", seconds: 30);
        var dryRun = DryRun.Option();
        return tree.Leaf("cancel", "End a run.", call => RunAsync(call, call.Get(run), call.Get(reason), call.Get(wait), call.Get(dryRun)), run, reason, wait, dryRun);
    }

    private static async Task<int> RunAsync(Call call, string run, string? reason, int wait, bool dryRun)
    {
        if ((await KnownRun.OpenAsync(call, run)).Fails(out var failure, out var opened))
        {
            return call.Screen.Refuse(failure);
        }
        using var about = opened;
        var sender = about.Sender;
        var span = sender.Compose(Form, about.Subject, json =>
        {
            json.WriteString("run_id", run);
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }
        });
        if (dryRun)
        {
            return await DryRun.ShowAsync(call, sender.Client, span.Root);
        }
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack) || (await EndedAsync(call, sender.Client, run, wait)).Fails(out failure, out var known))
        {
            return call.Screen.Refuse(failure);
        }
        // However the run ended, it has: that is what was asked for.
        var state = known.Text("state");
        RunAnswer.Say(call, sender.Client, ack, new ActWords($"Cancelling {run}", $"Cancelled {run}"), run, state, known, failed: false);
        return ExitCodes.Done;
    }

    // Waiting is done here: the gateway waits for runs that a span starts, and this one ends one.
    private static async Task<Attempt<JsonElement>> EndedAsync(Call call, GatewayClient gateway, string run, int seconds)
    {
        var began = call.Shell.Time.GetTimestamp();
        while (true)
        {
            if ((await gateway.GetAsync($"/v1/runs/{run}", call.Stop)).Fails(out var failure, out var known)
                || RunStateText.HasEnded(known.Text("state") ?? "") || call.Shell.Time.GetElapsedTime(began) >= TimeSpan.FromSeconds(seconds))
            {
                return failure is null ? known : failure;
            }
            await Task.Delay(PollPause, call.Shell.Time, call.Stop);
        }
    }
}
