using LogLine.Protocol.Merkle;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>
/// Where the ledger lies: the log, its tree, and what its entries add up to. Each engine has its own, written for it (docs/stores.md).
/// Every read sees committed state only and is short, so none takes a cancellation; an embedded store answers before it returns.
/// </summary>
public interface ILedgerStore : IDeliveryStore, IPruningStore, IAsyncDisposable
{
    /// <summary>True when other gateways may write to it too. Then the writer looks before each batch how far the log has gone, and waits for a store that is away.</summary>
    bool IsShared { get; }

    // --- the log and its tree ---

    /// <summary>The log's origin, and size and frontier of the last commit.</summary>
    ValueTask<LedgerHead> ReadHeadAsync();

    /// <summary>The history of the gateways' keys, as <see cref="KeyHistory"/> writes it, where it lies beside the log; null for an embedded store, whose gateway has it in its folder.</summary>
    ValueTask<string?> ReadKeyHistoryAsync();

    /// <summary>The signed checkpoint of a tree size, or null.</summary>
    ValueTask<string?> ReadCheckpointAsync(long treeSize);

    /// <summary>The same after a commit that failed: answers only when that transaction can no longer be under way.</summary>
    ValueTask<string?> SettledCheckpointAsync(long treeSize);

    /// <summary>What the commits with checkpoints above <paramref name="after"/> up to <paramref name="treeSize"/> touched.</summary>
    ValueTask<IReadOnlyList<Touched>> ReadTouchedAsync(long after, long treeSize);

    /// <summary>Says whenever somebody else may have extended the log, until it is cancelled.</summary>
    Task WatchAsync(Action moved, CancellationToken cancel);

    /// <summary>The checkpoint that the batch with this entry ended in, or null; the receipt of the entry is about that tree.</summary>
    ValueTask<string?> ReadCheckpointOverAsync(long index);

    /// <summary>The hashes of a full tile, or null. Not asynchronous: a proof asks for few tiles, and keeps those that it read.</summary>
    byte[]? ReadTile(TileId id);

    /// <summary>Entries from <paramref name="from"/> on, in order.</summary>
    ValueTask<List<StoredSpan>> ReadEntriesAsync(long from, int limit);

    /// <summary>What the log commits to, without the spans: the entries from <paramref name="from"/> on, in order.</summary>
    ValueTask<List<byte[]>> ReadEntryBytesAsync(long from, int count);

    /// <summary>
    /// Begins a transaction on the log, which nobody else can extend until it ends. Only the one writer of a process calls this.
    /// </summary>
    /// <param name="now">An idempotency key that has expired by then may be bound anew.</param>
    ValueTask<ILedgerTransaction> BeginAsync(DateTimeOffset now);

    /// <summary>Forgets nonces and idempotency keys whose time is over. Runs beside the writer; an embedded store goes on with it batch by batch.</summary>
    ValueTask ForgetAsync(DateTimeOffset noncesUntil, DateTimeOffset now);

    // --- spans ---

    /// <summary>The span of that name, or null. One that was pruned is there without entry and span (<see cref="StoredSpan.IsPruned"/>).</summary>
    ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name);

    /// <summary>The entry at an index, or null; as above when it was pruned.</summary>
    ValueTask<StoredSpan?> FindEntryAsync(long index);

    /// <summary>What a page of rows takes at most, in bytes, and one row more: a span may have 1 MiB.</summary>
    const long PageBytes = 4 << 20;

    /// <summary>
    /// A tenant's spans that match, ascending, looking at no more than <paramref name="window"/> entries, and ending with the one that reaches <paramref name="maxBytes"/>.
    /// What was pruned is not among them.
    /// </summary>
    /// <returns>The spans, and the index from which to go on.</returns>
    ValueTask<(List<StoredSpan> Spans, long Next)> ScanAsync(SpanFilter filter, long from, int limit, int window = 20_000, long maxBytes = PageBytes);

    /// <summary>What an idempotency key stands for, or null when it is free or has expired.</summary>
    ValueTask<BoundKey?> FindKeyBindingAsync(string tenant, string key, DateTimeOffset now);

    /// <summary>True when the nonce was consumed and is remembered.</summary>
    ValueTask<bool> HasNonceAsync(string tenant, string nonce);

    /// <summary>Replaces what an Ack says besides its receipt, after a wait. A power failure right behind it may take that back: the span is durable whatever its Ack says of the run.</summary>
    ValueTask UpdateAnswerAsync(long index, byte[] answer);

    /// <summary>
    /// False when this store has surely not been given that name of a span, or that nonce, lately. Then it is nearly always new: there is no need to ask, since the commit decides in any case.
    /// Always true where asking costs nothing.
    /// </summary>
    bool MayHaveWritten(string name);

    // --- the whole ---

    /// <summary>
    /// Every row, in the order in which a verification takes them (<see cref="LedgerAudit"/>): entries from <paramref name="after"/> on, each behind the tiles and
    /// checkpoints that it completes; then the other tables by name, each by its key; the head at the end. A gateway beside it is not held up; what is left of the log when
    /// it is caught up with, the other tables and the head are one snapshot.
    /// </summary>
    IAsyncEnumerable<StoredRow> RowsAsync(long after, CancellationToken cancel);

    // --- tenants ---

    /// <summary>True when there is a tenant.</summary>
    ValueTask<bool> HasTenantsAsync();

    /// <summary>True when the tenant exists.</summary>
    ValueTask<bool> HasTenantAsync(string tenant);

    /// <summary>Writes the first tenant and its token; false, and nothing is written, when there is a tenant already.</summary>
    ValueTask<bool> TryInsertFirstTenantAsync(TenantRow tenant, TokenRow token);

    /// <summary>The token with that hash, or null.</summary>
    ValueTask<TokenRow?> FindTokenAsync(byte[] hash);

    /// <summary>A tenant's token by its id, or null.</summary>
    ValueTask<TokenRow?> FindTokenAsync(string tenant, string tokenId);

    /// <summary>A tenant's tokens, by id.</summary>
    ValueTask<List<TokenRow>> TokensAsync(string tenant);

    /// <summary>A tenant's key, or null.</summary>
    ValueTask<KeyRow?> FindKeyAsync(string tenant, string kid);

    /// <summary>All keys of a tenant, by kid.</summary>
    ValueTask<List<KeyRow>> KeysAsync(string tenant);

    /// <summary>A tenant's quotas.</summary>
    ValueTask<List<QuotaRow>> QuotasAsync(string tenant);

    /// <summary>A tenant's policy as canonical JSON, or null when it set none.</summary>
    ValueTask<string?> FindPolicyAsync(string tenant);

    /// <summary>A tenant's grant, or null.</summary>
    ValueTask<GrantRow?> FindGrantAsync(string tenant, string grantId);

    /// <summary>A manifest's canonical bytes, or null.</summary>
    ValueTask<byte[]?> FindManifestAsync(string tenant, string name, string hash);

    /// <summary>The log index at which a manifest was taken in, or null.</summary>
    ValueTask<long?> FindManifestIndexAsync(string tenant, string name, string hash);

    /// <summary>
    /// The last <c>minicontainer.applied</c> of each MiniContainer of a tenant, by subject (its UTF-8 bytes), those behind <paramref name="after"/>. Each costs two looks into an index, however long
    /// the log is and however often it was applied.
    /// </summary>
    ValueTask<List<StoredSpan>> LastAppliedAsync(string tenant, string after, int limit);

    /// <summary>Allows for a subject that are neither used, cancelled nor expired, the one that expires first in front.</summary>
    ValueTask<List<ProofRow>> LiveProofsAsync(string tenant, string subject, string intent, DateTimeOffset now);

    /// <summary>True when the ledger has that proof, by the hash of it, used or not.</summary>
    ValueTask<bool> HasProofAsync(string tenant, string hash);

    // --- runs ---

    /// <summary>A run, or null.</summary>
    ValueTask<RunRow?> FindRunAsync(string runId);

    /// <summary>A tenant's runs, newest first, those before <paramref name="before"/>, and ending with the one whose facts reach <paramref name="maxBytes"/>.</summary>
    ValueTask<List<RunRow>> RunsAsync(string tenant, string? subject, int limit, RunRow? before = null, long maxBytes = long.MaxValue);

    /// <summary>The signals that ask a container to end, as SQL has them in a list. What others do is its own affair.</summary>
    internal const string EndingSignals = "'SIGKILL', 'KILL', 'SIGTERM', 'TERM', 'SIGINT', 'INT', 'SIGQUIT', 'QUIT'";

    /// <summary>
    /// True when the last that somebody had done to a container (its subject) on a target since that moment was to stop it, or to kill it with a signal that asks it to end, and not to start or restart it; what
    /// failed or was cancelled aside.
    /// </summary>
    ValueTask<bool> WasStoppedAsync(string tenant, string subject, string provider, DateTimeOffset since);

    /// <summary>Runs of a service that have not ended.</summary>
    ValueTask<List<RunRow>> LiveRunsAsync(string tenant, string service);

    /// <summary>Runs about a tenant's networks that have not ended.</summary>
    ValueTask<List<RunRow>> LiveNetworkRunsAsync(string tenant);

    /// <summary>How many runs have not ended, by state.</summary>
    ValueTask<List<LiveRuns>> LiveRunsAsync();

    /// <summary>Gives up to <paramref name="limit"/> runs that have not ended and that nobody holds at <paramref name="now"/> to a worker, oldest first, as far as its reach goes.</summary>
    ValueTask<IReadOnlyList<RunRow>> LeaseRunsAsync(string worker, LeaseReach reach, int limit, DateTimeOffset until, DateTimeOffset now);

    /// <summary>Goes on holding runs; those that are in the answer are still the worker's.</summary>
    ValueTask<IReadOnlyList<string>> RenewLeasesAsync(string worker, IReadOnlyCollection<string> runs, DateTimeOffset until, DateTimeOffset now);

    /// <summary>Takes runs from workers whose names begin so: those of an earlier process, which cannot be there any more.</summary>
    ValueTask ReleaseLeasesAsync(string workerPrefix);
}

/// <summary>The engine refused or failed; the message is its own.</summary>
public abstract class LedgerStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the last commit left.</summary>
/// <param name="Origin">The log's origin.</param>
/// <param name="Size">Number of entries.</param>
/// <param name="Frontier">Roots of the largest whole subtrees, 32 bytes each, the largest first.</param>
/// <param name="SignedBy">Kids of the keys that sign from here on, in a store that several gateways share; else null.</param>
/// <param name="Minimum">The minimum index: entries below it need not be kept (docs/ledger-format.md, K1). 0 when the log was never pruned.</param>
public sealed record LedgerHead(string Origin, long Size, byte[] Frontier, string? SignedBy = null, long Minimum = 0);

/// <summary>What an idempotency key stands for.</summary>
/// <param name="Fingerprint">Of the whole request.</param>
/// <param name="First">Index of its first span.</param>
/// <param name="Items">For an array: what each item was answered, as <see cref="KeyItems"/> writes it.</param>
public sealed record BoundKey(byte[] Fingerprint, long First, string? Items);
