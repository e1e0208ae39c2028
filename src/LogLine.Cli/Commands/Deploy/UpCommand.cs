using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Commands.Wallet;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Deploy;

/// <summary>
/// <c>logline deploy up</c>: one signed <c>deploy.apply</c>. When a proof is wanted it is made if a person says so, and the same span is sent again,
/// byte for byte (contract, section 5: a deploy refused with 428 succeeds unchanged after the proof).
/// </summary>
internal static class UpCommand
{
    private static readonly SpanForm Form = new("deploy.apply", "function", "deploy/apply.v1");
    private static readonly TimeSpan ProofLife = TimeSpan.FromMinutes(10);

    public static Command Create(CommandTree tree)
    {
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The MiniContainer [the one applied last]." };
        var target = new Option<string>("--target") { HelpName = "TARGET", Description = "Where: provider:key=value,… with svc, proj, env, ns, ctx, ep; for example podman:svc=web.", Required = true };
        var watch = new Option<bool>("--watch") { Description = "Show the states until it runs or has failed." };
        var wait = RunOptions.Wait("Let the gateway answer only when it runs or has ended, after N seconds at most.");
        var noStream = RunOptions.NoStream();
        var noProve = new Option<bool>("--no-prove") { Description = "Never make the proof here; fail when it is wanted." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Make the proof without asking when it is wanted." };
        return tree.Leaf("up", "Run a MiniContainer.",
            call => RunAsync(call, new Wish(call.Get(reference), call.Get(target)!, call.Get(watch), !call.Get(noStream), call.Get(wait), !call.Get(noProve), call.Get(yes))),
            reference, target, watch, wait, noStream, noProve, yes);
    }

    private static async Task<int> RunAsync(Call call, Wish wish)
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
        });
        if ((await SendAsync(call, sender, span, wish)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        return wish.Watch ? await WatchAsync(call, sender.Client, ack, wish.Stream) : RunAnswer.Report(call, sender.Client, ack, new ActWords($"Deploying {reference}", $"Ran {reference}"));
    }

    private static async Task<Attempt<SpanAck>> SendAsync(Call call, SpanSender sender, SpanDocument span, Wish wish)
    {
        var submission = SpanSender.Wrap(span, wish.WaitSeconds);
        var first = await sender.SendAsync(span, submission, call.Stop);
        if (!first.Fails(out var refusal, out _) || refusal.Code != "428_PROOF_REQUIRED" || !wish.MayProve)
        {
            return first;
        }
        var details = refusal.Body.Member("details");
        var intent = details.Text("required_proof_intent") ?? "deploy.allow";
        if (!wish.Yes && !call.Screen.Ask($"A proof for {intent} is wanted: {refusal.Message}\nProve it with {sender.Signer.Kid}?"))
        {
            return first;
        }
        if ((await ProveCommand.SubmitAsync(sender, Proof(call, span, intent), call.Stop)).Fails(out var failure, out var proof))
        {
            return failure;
        }
        call.Note($"Proved {intent} with {sender.Signer.Kid} ({proof.Ack.This}); sending the same span again.");
        return await sender.SendAsync(span, submission, call.Stop);
    }

    /// <summary>As narrow as can be: this ref, this target.</summary>
    private static ProofDraft Proof(Call call, SpanDocument span, string intent)
    {
        var reference = span.Payload.Text("ref")!;
        Identifiers.TryParseSubject(span.Subject, out _, out var tenant, out _);
        var now = call.Shell.Time.GetUtcNow();
        return new ProofDraft
        {
            Intent = intent,
            Tenant = tenant,
            Subject = span.Subject!,
            Ref = reference,
            Target = CanonicalJson.Parse(CanonicalJson.BytesOf(span.Payload.Member("target"))),
            Env = call.Flags.Env,
            Ts = now,
            Exp = now + ProofLife,
        };
    }

    private static async Task<int> WatchAsync(Call call, GatewayClient gateway, SpanAck ack, bool stream)
    {
        if (ack.Run.Text("run_id") is not { } run)
        {
            return call.Screen.Refuse(new CommandFailure("run", "The gateway took the span but names no run.") { TraceId = ack.TraceId, Body = ack.Root });
        }
        if (call.Screen.Json)
        {
            call.Screen.Document(json =>
            {
                json.WriteStartObject();
                json.WriteString("event", "ack");
                json.WritePropertyName("ack");
                ack.Root.WriteTo(json);
                json.WriteEndObject();
            });
        }
        call.Screen.Line($"{run}  {ack.This}");
        return await new RunWatch(call, gateway, run).UntilAsync(ack.LogIndex + 1, stream, RunStateText.IsUp);
    }

    private sealed record Wish(string? Ref, string Target, bool Watch, bool Stream, int WaitSeconds, bool MayProve, bool Yes);
}
