using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy up</c>: one signed <c>deploy.apply</c>, proved on the way (<see cref="ProvedSending"/>).</summary>
internal static class UpCommand
{
    private static readonly SpanForm Form = new("deploy.apply", "function", "deploy/apply.v1");

    public static Command Create(CommandTree tree)
    {
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The MiniContainer [the one applied last]." };
        var target = new Option<string>("--target") { HelpName = "TARGET", Description = "Where: provider:key=value,… with svc, proj, env, ns, ctx, ep; for example podman:svc=web.", Required = true };
        var plan = new Option<string?>("--plan") { HelpName = "DIGEST", Description = "Only if this plan of 'deploy plan' holds still." };
        var watch = new Option<bool>("--watch") { Description = "Show the states until it runs or has failed." };
        var wait = RunOptions.Wait("Let the gateway answer only when it runs or has ended, after N seconds at most.");
        var noStream = RunOptions.NoStream();
        var noProve = new Option<bool>("--no-prove") { Description = "Never make the proof here; fail when it is wanted." };
        var dryRun = DryRun.Option();
        var yes = new Option<bool>("--yes", "-y") { Description = "Make the proof without asking when it is wanted." };
        return tree.Leaf("up", "Run a MiniContainer.",
            call => RunAsync(call, new UpRequest(call.Get(reference), call.Get(target)!, call.Get(plan), call.Get(watch), !call.Get(noStream), call.Get(wait), !call.Get(noProve), call.Get(yes), call.Get(dryRun))),
            reference, target, plan, watch, wait, noStream, noProve, yes, dryRun);
    }

    private static async Task<int> RunAsync(Call call, UpRequest wish)
    {
        if (TargetSyntax.Parse(wish.Target).Fails(out var failure, out var target)
            || call.Connection().Fails(out failure, out var connection)
            || LastApplied.Choose(call.Home, connection.ProfileName, wish.Ref, call.Note).Fails(out failure, out var reference)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        var span = sender.Compose(Form, reference.Subject, json =>
        {
            json.WriteString("ref", reference.ToString());
            json.WritePropertyName("target");
            target.Root.WriteTo(json);
            if (wish.Plan is not null)
            {
                json.WriteString("plan_digest", wish.Plan);
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
        return wish.Watch ? await RunWatch.AckAsync(call, sender.Client, ack, wish.Stream) : RunAnswer.Report(call, sender.Client, ack, Words(ack, reference));
    }

    private static ActWords Words(SpanAck ack, MiniContainerRef reference) =>
        ack.Result.Flag("changed") == false ? new ActWords($"Unchanged, {reference}", $"Unchanged, {reference}") : new ActWords($"Deploying {reference}", $"Ran {reference}");

    private sealed record UpRequest(string? Ref, string Target, string? Plan, bool Watch, bool Stream, int WaitSeconds, bool MayProve, bool Yes, bool DryRun);
}
