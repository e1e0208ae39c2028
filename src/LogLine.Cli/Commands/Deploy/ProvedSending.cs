using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Commands.Wallet;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Deploy;

/// <summary>
/// Sends a span that needs a proof. When one is wanted it is made if a person says so, and the same span is sent again, byte for byte (contract, section
/// 5: a deploy refused with 428 succeeds unchanged after the proof).
/// </summary>
/// <param name="MayProve">Whether a proof may be made here at all.</param>
/// <param name="Yes">Whether it is made without asking.</param>
internal sealed record ProvedSending(Call Call, SpanSender Sender, bool MayProve, bool Yes)
{
    private static readonly TimeSpan ProofLife = TimeSpan.FromMinutes(10);

    /// <summary>When the span was sent last, on the shell's clock: from then on it is waited for, and not while a person thinks about a proof.</summary>
    public long SentAt { get; private set; }

    public async Task<Attempt<SpanAck>> SendAsync(SpanDocument span, int waitSeconds)
    {
        var submission = SpanSender.Wrap(span, waitSeconds);
        Call.Resume = () => RunLines.Unanswered(span.Subject);
        var first = await AnswerAsync(span, submission);
        if (!first.Fails(out var refusal, out _) || refusal.Code != "428_PROOF_REQUIRED" || !MayProve)
        {
            return first;
        }
        var details = refusal.Body.Member("details");
        var intent = details.Text("required_proof_intent") ?? "deploy.allow";
        if (!Yes && !Call.Screen.Ask($"A proof for {intent} is wanted: {refusal.Message}\nProve it with {Sender.Signer.Kid}?"))
        {
            return first;
        }
        if ((await ProveCommand.SubmitAsync(Sender, Proof(span, intent, details.Text("ref")), Call.Stop)).Fails(out var failure, out var proof))
        {
            return failure;
        }
        Call.Note($"Proved {intent} with {Sender.Signer.Kid} ({proof.Ack.This}); sending the same span again.");
        return await AnswerAsync(span, submission);
    }

    private async Task<Attempt<SpanAck>> AnswerAsync(SpanDocument span, SpanSubmission submission)
    {
        SentAt = Call.Shell.Time.GetTimestamp();
        await using var progress = WaitProgress.Of(Call, span, submission.WaitSeconds);
        return await Sender.SendAsync(span, submission, Call.Stop);
    }

    /// <summary>As narrow as can be: this ref, this target, this plan, as far as the span names them.</summary>
    private ProofDraft Proof(SpanDocument span, string intent, string? reference)
    {
        Identifiers.TryParseSubject(span.Subject, out _, out var tenant, out _);
        var now = Call.Shell.Time.GetUtcNow();
        return new ProofDraft
        {
            Intent = intent,
            Tenant = tenant,
            Subject = span.Subject!,
            Ref = span.Payload.Text("ref") ?? reference,
            Target = span.Payload.Member("target") is { ValueKind: System.Text.Json.JsonValueKind.Object } target ? CanonicalJson.Parse(CanonicalJson.BytesOf(target)) : null,
            PlanDigest = span.Payload.Text("plan_digest"),
            Env = Call.Flags.Env,
            Ts = now,
            Exp = now + ProofLife,
        };
    }
}
