using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// Rows 8 and 10: was this said before? By then the request holds its key, its name and its nonce (<see cref="RequestClaims"/>), so what the
/// tables say stays true until it commits or is refused.
/// </summary>
internal sealed class ReplayCheck(ILedgerStore store)
{
    public async ValueTask<Rejection?> OfKeyAsync(Judgement item, CancellationToken cancel)
    {
        var submission = item.Submission;
        if (submission.IdempotencyKey is not { } key || await item.State.Before.FindKeyBindingAsync(submission, key) is not { } bound)
        {
            return null;
        }
        var fingerprint = submission.Fingerprint(submission.ContentHash);
        if (!fingerprint.AsSpan().SequenceEqual(bound.Fingerprint))
        {
            return Conflict($"The Idempotency-Key '{key}' was used for another request. Use a new key for a new request.", fingerprint, bound.Fingerprint, await store.FindEntryAsync(bound.First));
        }
        item.ReplayedItems = bound.Items;
        item.Replay = bound.Items is null ? await store.FindEntryAsync(bound.First) : null;
        return null;
    }

    public async ValueTask<Rejection?> OfThisAsync(Judgement item, CancellationToken cancel)
    {
        if (item.Fingerprint.Length == 0)
        {
            item.Fingerprint = item.Submission.Fingerprint(item.Span.Hash); // of what was sent, whatever the gate fills in later
        }
        if (item.Span.This is not { } name)
        {
            return null;
        }
        if (item.State.FindAdmitted(name) is { } earlier)
        {
            if (!item.Fingerprint.AsSpan().SequenceEqual(earlier.Fingerprint))
            {
                return Conflict($"An earlier span of this array has the name '{name}' and another content. Give a new span a new 'this'.", item.Fingerprint, earlier.Fingerprint, null);
            }
            item.Twin = earlier;
            return null;
        }
        if (await item.State.Before.FindSpanAsync(item.Tenant, name) is not { } known)
        {
            return null;
        }
        if (known.Fingerprint is null || !item.Fingerprint.AsSpan().SequenceEqual(known.Fingerprint))
        {
            return Conflict($"The ledger has another span of the name '{name}'. Give a new span a new 'this'.", item.Fingerprint, known.Fingerprint ?? [], known);
        }
        if (known.IsPruned)
        {
            return new Rejection(RefusalCode.IdempotencyConflict, $"The ledger took '{name}' as entry {known.Index}, which it does not keep any more: nothing is taken a second time, and its Ack cannot be given again.")
            {
                Details = new Dictionary<string, object?> { ["reason"] = "pruned", ["original_this"] = name, ["original_log_index"] = known.Index },
            };
        }
        item.Replay = known;
        return null;
    }

    public async ValueTask<Rejection?> NonceAsync(Judgement item, CancellationToken cancel)
    {
        if (item.Submission.Nonce is not { } nonce || !await item.State.Before.HasNonceAsync(item.Tenant, nonce))
        {
            return null;
        }
        // Another gateway may have committed this very request after row 8 was judged: then it is a replay, whose nonce is its own.
        item.State.Before.Renew();
        if (store.IsShared && (await OfKeyAsync(item, cancel) ?? (item.IsReplay || item.Submission.IsArray ? null : await OfThisAsync(item, cancel))) is { } conflict)
        {
            return conflict;
        }
        return item.IsReplay ? null : new Rejection(RefusalCode.NonceReused, "X-Nonce was consumed by another request. Send this one again with a new nonce.")
        {
            Details = new Dictionary<string, object?> { ["nonce"] = nonce },
        };
    }

    private static Rejection Conflict(string detail, byte[] current, byte[] original, StoredSpan? first) => new(RefusalCode.IdempotencyConflict, detail)
    {
        Details = new Dictionary<string, object?>
        {
            ["current_request_hash"] = ContentHash.Prefix + Convert.ToHexStringLower(current),
            ["original_request_hash"] = ContentHash.Prefix + Convert.ToHexStringLower(original),
            ["original_this"] = first is null or { IsPruned: true } ? null : CanonicalJson.Parse(first.Entry).Root.Text("this"),
            ["original_log_index"] = first?.Index,
        },
    };
}
