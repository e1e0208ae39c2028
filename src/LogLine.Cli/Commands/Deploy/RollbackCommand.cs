using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy rollback</c>: goes back to the last good ref of a service (<c>deploy.rollback</c>), proved on the way.</summary>
internal static class RollbackCommand
{
    private static readonly SpanForm Form = new("deploy.rollback", "function", "deploy/rollback.v1");

    public static Command Create(CommandTree tree)
    {
        var run = new Argument<string>("RUN") { Description = "The run that is not wanted: run_…" };
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The ref to go back to [the last good one before that run]." };
        var reason = new Option<string?>("--reason") { HelpName = "TEXT", Description = "Why." };
        var watch = new Option<bool>("--watch") { Description = "Show the states until it runs or has failed." };
        var wait = RunOptions.Wait("Let the gateway answer only when it runs or has ended, after N seconds at most.");
        var noStream = RunOptions.NoStream();
        var noProve = new Option<bool>("--no-prove") { Description = "Never make the proof here; fail when it is wanted." };
        var dryRun = DryRun.Option();
        var yes = new Option<bool>("--yes", "-y") { Description = "Make the proof without asking when it is wanted." };
        return tree.Leaf("rollback", "Go back to what ran before.",
            call => RunAsync(call, call.Get(run), new RollbackRequest(call.Get(reference), call.Get(reason), call.Get(watch), !call.Get(noStream), call.Get(wait), !call.Get(noProve), call.Get(yes), call.Get(dryRun))),
            run, reference, reason, watch, wait, noStream, noProve, yes, dryRun);
    }

    private static async Task<int> RunAsync(Call call, string run, RollbackRequest wish)
    {
        if (wish.Ref is not null && !MiniContainerRef.TryParse(wish.Ref, out _))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{wish.Ref}' is no full ref: mc:<tenant>/<name>@blake3:<64 hex>."));
        }
        if ((await KnownRun.OpenAsync(call, run)).Fails(out var failure, out var opened))
        {
            return call.Screen.Refuse(failure);
        }
        using var about = opened;
        var sender = about.Sender;
        var span = sender.Compose(Form, about.Subject, json =>
        {
            json.WriteString("run_id", run);
            foreach (var (name, value) in new[] { ("ref", wish.Ref), ("reason", wish.Reason) })
            {
                if (value is not null)
                {
                    json.WriteString(name, value);
                }
            }
        });
        if (wish.DryRun)
        {
            return await DryRun.ShowAsync(call, sender.Client, span.Root);
        }
        if ((await new ProvedSending(call, sender, wish.MayProve, wish.Yes).SendAsync(span, wish.WaitSeconds)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        var back = ack.Result.Text("ref") ?? "what ran before";
        return wish.Watch ? await RunWatch.AckAsync(call, sender.Client, ack, wish.Stream) : RunAnswer.Report(call, sender.Client, ack, new ActWords($"Going back to {back}", $"Went back to {back}"));
    }

    private sealed record RollbackRequest(string? Ref, string? Reason, bool Watch, bool Stream, int WaitSeconds, bool MayProve, bool Yes, bool DryRun);
}
