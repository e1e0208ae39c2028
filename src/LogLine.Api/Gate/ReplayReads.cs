using LogLine.Api.Ledger;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>
/// What the ledger knows of a request already: its key, its nonce, the names of its spans. A store elsewhere is asked for all of it at once, so that a request waits for
/// one answer and not for one after the other; one in this process is asked when a check wants to know.
/// </summary>
public sealed class ReplayReads
{
    private const int MostItems = 100; // more are refused
    private readonly ILedgerStore _store;
    private Dictionary<string, Task<StoredSpan?>>? _spans;
    private Task<BoundKey?>? _key;
    private Task<bool>? _nonce;

    /// <summary>Asks. By then the request holds what it asks for (<see cref="RequestClaims"/>).</summary>
    public ReplayReads(ILedgerStore store, Submission submission, IReadOnlyList<SpanDocument> items)
    {
        _store = store;
        if (!store.IsShared)
        {
            return;
        }
        _key = submission.IdempotencyKey is { } key ? store.FindKeyBindingAsync(submission.Tenant, key, submission.ReceivedAt).AsTask() : null;
        _nonce = submission.Nonce is { } nonce ? store.HasNonceAsync(submission.Tenant, nonce).AsTask() : null;
        _spans = [];
        foreach (var name in items.Take(MostItems).Select(item => item.This).OfType<string>())
        {
            _spans.TryAdd(name, store.FindSpanAsync(submission.Tenant, name).AsTask());
        }
    }

    /// <summary>From here on the store is asked again: another gateway may have committed in between.</summary>
    public void Renew() => (_key, _nonce, _spans) = (null, null, null);

    /// <summary>What the request's key stands for, or null.</summary>
    public ValueTask<BoundKey?> FindKeyBindingAsync(Submission submission, string key) =>
        _key is null ? _store.FindKeyBindingAsync(submission.Tenant, key, submission.ReceivedAt) : new(_key);

    /// <summary>True when the request's nonce was consumed.</summary>
    public ValueTask<bool> HasNonceAsync(string tenant, string nonce) => _nonce is null ? _store.HasNonceAsync(tenant, nonce) : new(_nonce);

    /// <summary>The span of that name, or null.</summary>
    public ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name) =>
        _spans is not null && _spans.TryGetValue(name, out var asked) ? new(asked) : _store.FindSpanAsync(tenant, name);
}
