using LogLine.Api.Ledger;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>
/// What the ledger knows of a request already: its key, its nonce, the names of its spans. A store elsewhere is asked for all of it at once, so that a request waits for
/// one answer and not for one after the other; one in this process is asked when a check wants to know. Of a plain record that this gateway has not met lately, name and nonce are hoped to be new:
/// the commit holds them against the tables in any case, and before a refusal is given they are asked for (decision 018).
/// </summary>
public sealed class ReplayReads
{
    private const int MostItems = 100; // more are refused
    private readonly ILedgerStore _store;
    private Dictionary<string, Task<StoredSpan?>>? _spans;
    private Task<BoundKey?>? _key;
    private Task<bool>? _nonce;
    private bool _hopes;

    private ReplayReads(ILedgerStore store) => _store = store;

    /// <summary>Asks. By then the request holds what it asks for (<see cref="RequestClaims"/>).</summary>
    public static ReplayReads Ask(ILedgerStore store, Submission submission, IReadOnlyList<SpanDocument> items)
    {
        var reads = new ReplayReads(store);
        if (store.IsShared)
        {
            reads._key = reads.KeyOf(submission);
            reads._nonce = submission.Nonce is { } nonce ? store.HasNonceAsync(submission.Tenant, nonce).AsTask() : null;
            reads._spans = [];
            foreach (var name in items.Take(MostItems).Select(item => item.This).OfType<string>())
            {
                reads._spans.TryAdd(name, store.FindSpanAsync(submission.Tenant, name).AsTask());
            }
        }
        return reads;
    }

    /// <summary>Asks for the key alone, and hopes that the rest is new, if this gateway has not met it lately; else asks for all of it. For one plain record.</summary>
    public static ReplayReads Hope(ILedgerStore store, Submission submission, SpanDocument item)
    {
        if (!store.IsShared || (submission.Nonce is { } nonce && store.MayHaveWritten(nonce)) || (item.This is { } name && store.MayHaveWritten(name)))
        {
            return Ask(store, submission, [item]);
        }
        var reads = new ReplayReads(store) { _hopes = true };
        reads._key = reads.KeyOf(submission);
        return reads;
    }

    /// <summary>From here on the store is asked again: another gateway may have committed in between.</summary>
    public void Renew() => (_key, _nonce, _spans, _hopes) = (null, null, null, false);

    /// <summary>True when something was hoped until now; from here on the store is asked.</summary>
    public bool StopHoping()
    {
        var hoped = _hopes;
        _hopes = false;
        return hoped;
    }

    private Task<BoundKey?>? KeyOf(Submission submission) =>
        submission.IdempotencyKey is { } key ? _store.FindKeyBindingAsync(submission.Tenant, key, submission.ReceivedAt).AsTask() : null;

    /// <summary>What the request's key stands for, or null.</summary>
    public ValueTask<BoundKey?> FindKeyBindingAsync(Submission submission, string key) =>
        _key is null ? _store.FindKeyBindingAsync(submission.Tenant, key, submission.ReceivedAt) : new(_key);

    /// <summary>True when the request's nonce was consumed.</summary>
    public ValueTask<bool> HasNonceAsync(string tenant, string nonce) => _hopes ? new(false) : _nonce is null ? _store.HasNonceAsync(tenant, nonce) : new(_nonce);

    /// <summary>The span of that name, or null.</summary>
    public ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name) =>
        _hopes ? new((StoredSpan?)null) : _spans is not null && _spans.TryGetValue(name, out var asked) ? new(asked) : _store.FindSpanAsync(tenant, name);
}
