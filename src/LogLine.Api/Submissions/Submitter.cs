using System.Buffers;
using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Json;

namespace LogLine.Api.Submissions;

/// <summary>
/// One submission from gate to Ack: judge, append, wait if asked to, answer. When another request was faster in the transaction itself, the gate judges
/// again and finds what that one left.
/// </summary>
public sealed class Submitter(TdlnGate gate, SpanLedger ledger, RunDesk desk, RefusalLog refusals, TimeProvider time)
{
    private const int MaxJudgements = 4;
    private readonly RunWaiter _waiter = new(desk, time);

    /// <summary>Answers a submission.</summary>
    public async Task<SubmissionAnswer> SubmitAsync(Submission submission, CancellationToken cancel)
    {
        for (var judged = 1; ; judged++)
        {
            using var verdict = await gate.JudgeAsync(submission, cancel);
            var answers = new List<ItemAnswer?>(verdict.Items.Count);
            foreach (var item in verdict.Items)
            {
                answers.Add(item.Admitted is null && item.Twin is null ? await AnswerAsync(item, submission) : null);
            }
            if (verdict.ToAppend([.. answers.Select(answer => answer?.Body)]) is not { } append)
            {
                return Assemble(verdict, answers!);
            }
            var outcome = await AppendAsync(append, verdict);
            if (outcome is null)
            {
                return Refuse(submission, new Rejection(RefusalCode.Busy, "More work is waiting than the ledger takes. Send the same request again shortly.") { RetryAfterSeconds = 1 });
            }
            if (outcome.Conflict is null)
            {
                await CompleteAsync(verdict, outcome, answers, cancel);
                return Assemble(verdict, answers!);
            }
            if (outcome.Conflict == AppendConflict.Principal)
            {
                return Refuse(submission, new Rejection(RefusalCode.Unauthenticated, "The token is unknown, expired or revoked."));
            }
            if (judged == MaxJudgements)
            {
                return Refuse(submission, new Rejection(RefusalCode.Busy, "Other requests keep changing the same things. Send the same request again shortly.") { RetryAfterSeconds = 1 });
            }
        }
    }

    /// <summary>Appends; what only looks is looked at meanwhile.</summary>
    private async Task<AppendOutcome?> AppendAsync(AppendRequest append, GateVerdict verdict)
    {
        try
        {
            if (ledger.AppendAsync(append) is not { } appending)
            {
                return null;
            }
            foreach (var item in verdict.Items)
            {
                item.Taken?.LookAhead();
            }
            return await appending;
        }
        catch (LedgerUnavailableException)
        {
            return null; // logged by the writer with its cause; the client learns that nothing was committed
        }
    }

    /// <summary>Fills in the answers of the items that are committed now.</summary>
    private async Task CompleteAsync(GateVerdict verdict, AppendOutcome outcome, List<ItemAnswer?> answers, CancellationToken cancel)
    {
        verdict.Dispose(); // it is durable: whoever waits for the same may go on
        foreach (var item in verdict.Items)
        {
            if (item.Taken is { } taken)
            {
                desk.Begin(taken);
            }
        }
        var deadline = verdict.Submission.WaitSeconds == 0 ? (DateTimeOffset?)null : time.GetUtcNow().AddSeconds(verdict.Submission.WaitSeconds);
        var committed = new List<(AdmittedSpan Span, byte[] Kept, LogPosition Position)>(outcome.Positions.Count);
        for (var i = 0; i < answers.Count; i++)
        {
            if (verdict.Items[i].Twin is { } twin)
            {
                var (_, answer, at) = committed.Find(one => ReferenceEquals(one.Span, twin));
                answers[i] = new ItemAnswer(Acks.Compose(answer, ledger.ReceiptOf(twin.Entry, at), replayed: true), 200, null) { Replayed = true };
            }
            if (verdict.Items[i].Admitted is not { } admitted)
            {
                continue;
            }
            var position = outcome.Positions[committed.Count];
            var kept = admitted.Answer;
            if (deadline is not null && admitted.RunId is { } runId && await _waiter.WaitAsync(runId, position.Index, kept, Answers.WithRun, deadline.Value, cancel) is var (waited, isKept))
            {
                kept = waited;
                if (!isKept)
                {
                    await KeepAsync(position.Index, kept);
                }
            }
            committed.Add((admitted, kept, position));
            answers[i] = new ItemAnswer(Acks.Compose(kept, ledger.ReceiptOf(admitted.Entry, position), replayed: false), 200, null);
        }
    }

    /// <summary>Keeps the answer for replays. The span is durable whatever comes of it, so a store that has failed since does not take the Ack back.</summary>
    private async Task KeepAsync(long index, byte[] answer)
    {
        try
        {
            await ledger.Store.UpdateAnswerAsync(index, answer);
        }
        catch (LedgerStoreException)
        {
            // A replay will say how the run stood at the commit.
        }
    }

    private async ValueTask<ItemAnswer> AnswerAsync(ItemVerdict item, Submission submission)
    {
        if (item.Replay is { } stored)
        {
            return new ItemAnswer(await ReplayOfAsync(stored), 200, null) { Replayed = true };
        }
        if (item.ReplayedItems is { } items)
        {
            var parts = new List<byte[]>();
            foreach (var part in KeyItems.Read(items))
            {
                parts.Add(part.Index is { } index ? await ReplayOfAsync((await ledger.Store.FindEntryAsync(index))!) : part.Answer!);
            }
            var allOk = KeyItems.Read(items).All(part => part.Index is not null || IsOk(part.Answer!));
            return new ItemAnswer(Join(parts), allOk ? 200 : 207, null) { Replayed = true };
        }
        refusals.Record(submission, item.Refused!);
        return new ItemAnswer(JsonBytes.Write(json => RefusalAnswers.WriteItem(json, item.Refused!, submission.TraceId)), item.Refused!.Code.Meaning().Status, item.Refused);
    }

    private async ValueTask<byte[]> ReplayOfAsync(StoredSpan stored)
    {
        var receipt = await ledger.ReceiptOfAsync(stored);
        return Acks.Compose(stored.Answer!, receipt, replayed: true);
    }

    private static bool IsOk(byte[] answer)
    {
        using var json = JsonDocument.Parse(answer);
        return json.RootElement.GetProperty("status").GetString() == "ok";
    }

    private static SubmissionAnswer Refuse(Submission submission, Rejection rejection) =>
        new(rejection.Code.Meaning().Status, [], rejection, false);

    private static SubmissionAnswer Assemble(GateVerdict verdict, List<ItemAnswer> answers)
    {
        if (!verdict.Submission.IsArray || verdict.IsWhole)
        {
            return new SubmissionAnswer(answers[0].Status, answers[0].Body, answers[0].Refused, answers[0].Replayed)
            {
                RateLimit = verdict.Items[0].RateLimit,
                NewToken = verdict.Items[0].NewToken,
            };
        }
        var status = answers.All(answer => answer.Status == 200) ? 200 : 207;
        return new SubmissionAnswer(status, Join(answers.ConvertAll(answer => answer.Body)), null, answers.All(answer => answer.Replayed));
    }

    // At its size at once: a hundred Acks are a large object.
    private static byte[] Join(List<byte[]> items)
    {
        var array = new byte["[]".Length + Math.Max(0, items.Count - 1) + items.Sum(item => item.Length)];
        array[0] = (byte)'[';
        var at = 1;
        foreach (var item in items)
        {
            if (at > 1)
            {
                array[at++] = (byte)',';
            }
            item.CopyTo(array, at);
            at += item.Length;
        }
        array[at] = (byte)']';
        return array;
    }

    private sealed record ItemAnswer(byte[] Body, int Status, Rejection? Refused)
    {
        public bool Replayed { get; init; }
    }
}

/// <summary>What the client gets: a body, or a refusal for <see cref="RefusalAnswers"/> to write.</summary>
public sealed record SubmissionAnswer(int Status, byte[] Body, Rejection? Refused, bool Replayed)
{
    /// <summary>What is left of the quota, for the <c>RateLimit-*</c> headers.</summary>
    public RateLimitState? RateLimit { get; init; }

    /// <summary>A token that was made, to be shown this once.</summary>
    public ApiToken? NewToken { get; init; }
}
