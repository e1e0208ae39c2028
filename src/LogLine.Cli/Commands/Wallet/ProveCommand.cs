using System.CommandLine;
using System.Globalization;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Deploy;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Wallet;

/// <summary><c>logline wallet prove</c>: makes an <c>ll.proof.v1</c> for exactly one act, and submits it.</summary>
internal static class ProveCommand
{
    /// <summary>What is asked for by what a span holds, or by what it is about, whichever its intent is.</summary>
    private static readonly string[] AskedByRules = ["capability.allow", "secret.access"];

    private static readonly SpanForm Form = new("wallet.proof.submit", "decision", "wallet/proof.v1");

    public static Command Create(CommandTree tree)
    {
        var intent = new Argument<string>("INTENT") { Description = "What is authorised, for example deploy.allow." };
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The MiniContainer it is for [the one applied last]." };
        var subject = new Option<string?>("--subject") { HelpName = "URN", Description = "The subject it is for [that of the ref]." };
        var target = new Option<string?>("--target") { HelpName = "TARGET", Description = "Only there, for example podman:svc=web." };
        var ttl = new Option<string>("--ttl") { HelpName = "TIME", Description = "How long it lives: 30s, 10m; at most 15m.", DefaultValueFactory = _ => "10m" };
        var capability = new Option<string[]>("--capability") { HelpName = "NAME", Description = "A Linux capability that it names, for capability.allow; may be given more than once." };
        var deny = new Option<bool>("--deny") { Description = "Forbid instead: it cancels every earlier proof that matches." };
        return tree.Leaf("prove", "Authorise one act.",
            call => RunAsync(call, call.Get(intent), new ProveRequest(call.Get(reference), call.Get(subject), call.Get(target), call.Get(ttl)!, !call.Get(deny)) { Capabilities = call.Get(capability) ?? [] }),
            intent, reference, subject, target, ttl, capability, deny);
    }

    private static async Task<int> RunAsync(Call call, string intent, ProveRequest wish)
    {
        if (call.Connection().Fails(out var failure, out var connection)
            || Draft(call, connection, intent, wish).Fails(out failure, out var draft)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        if (await UnaskedAsync(sender.Client, intent, call.Stop) is { } unasked)
        {
            return call.Screen.Refuse(unasked);
        }
        if ((await SubmitAsync(sender, draft, call.Stop)).Fails(out failure, out var submitted))
        {
            return call.Screen.Refuse(failure);
        }
        return Report(call, draft, submitted.Ack, submitted.Proof);
    }

    /// <summary>
    /// Why a proof would let nothing through: no intent of the gateway's catalogue, which may have some of its own, asks for it. The gateway takes such a proof, as what it names is looked at when it is used; a person has
    /// mistyped it. Null when it is asked for, and when the catalogue is not to be had.
    /// </summary>
    private static async Task<CommandFailure?> UnaskedAsync(GatewayClient gateway, string intent, CancellationToken stop)
    {
        if ((await gateway.GetAsync("/v1/catalog", stop)).Fails(out _, out var catalogue) || !catalogue.Items("items").Any())
        {
            return null;
        }
        var asked = catalogue.Items("items").Select(item => item.Text("proof")).OfType<string>().Concat(AskedByRules).Distinct().Order(StringComparer.Ordinal).ToList();
        return asked.Contains(intent) ? null : CommandFailure.Usage($"Nothing asks for a proof of '{intent}', so it would let nothing through. Proofs are asked for of {string.Join(", ", asked)}.", "logline wallet prove deploy.allow");
    }

    /// <summary>Signs a proof and submits it.</summary>
    public static async Task<Attempt<(SpanAck Ack, CanonicalJson Proof)>> SubmitAsync(SpanSender sender, ProofDraft draft, CancellationToken stop)
    {
        var proof = draft.Sign(sender.Signer.Kid, sender.Signer.Key);
        var span = sender.Compose(Form, draft.Subject, json =>
        {
            json.WritePropertyName("proof");
            proof.Root.WriteTo(json);
        });
        return (await sender.SendAsync(span, stop)).Fails(out var failure, out var ack) ? failure : (ack, proof);
    }

    private static Attempt<ProofDraft> Draft(Call call, ConnectionSettings connection, string intent, ProveRequest wish)
    {
        if (!Lifetime.TryParse(wish.Ttl, out var life) || life > ProofDraft.MaxLife)
        {
            return CommandFailure.Usage($"'{wish.Ttl}' is no life for a proof: a whole number with s or m, at most 15m.", "--ttl 10m");
        }
        CanonicalJson? target = null;
        if (wish.Target is { } text && TargetSyntax.Parse(text).Fails(out var failure, out target))
        {
            return failure;
        }
        if (connection.Tenant().Fails(out failure, out var tenant))
        {
            return failure;
        }
        string? reference = null;
        if (wish.Subject is null || wish.Ref is not null)
        {
            if (LastApplied.Choose(call.Home, connection.ProfileName, wish.Ref, call.Note).Fails(out failure, out var chosen))
            {
                return failure;
            }
            if (chosen.Tenant != tenant || (wish.Subject is not null && wish.Subject != chosen.Subject))
            {
                return CommandFailure.Usage($"The ref {chosen} is not one of {wish.Subject ?? "tenant " + tenant}.", "Give a ref and a subject of the same MiniContainer and tenant.");
            }
            reference = chosen.ToString();
            wish = wish with { Subject = chosen.Subject };
        }
        var now = call.Shell.Time.GetUtcNow();
        return new ProofDraft
        {
            Intent = intent, Allow = wish.Allow, Tenant = tenant, Subject = wish.Subject!, Env = call.Flags.Env, Ref = reference, Target = target, Capabilities = wish.Capabilities, Ts = now, Exp = now + life,
        };
    }

    private static int Report(Call call, ProofDraft draft, SpanAck ack, CanonicalJson proof) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("this", ack.This);
            json.WritePropertyName("proof");
            proof.Root.WriteTo(json);
            json.WritePropertyName("ack");
            ack.Root.WriteTo(json);
            json.WriteEndObject();
        },
        line =>
        {
            line($"{(draft.Allow ? "Proved" : "Denied")} {draft.Intent} for {draft.Ref ?? draft.Subject}", Tone.Good);
            line($"  until {draft.Exp.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} UTC{(draft.Allow ? ", for one use" : "")}", Tone.Plain);
            line($"  span  {ack.This} at {ack.LogIndex} in the log", Tone.Plain);
        });

    private sealed record ProveRequest(string? Ref, string? Subject, string? Target, string Ttl, bool Allow)
    {
        public IReadOnlyList<string> Capabilities { get; init; } = [];
    }
}
