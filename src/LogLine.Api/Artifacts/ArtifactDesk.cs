using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Artifacts;

/// <summary>
/// Where artifacts come in and go out, each act a span: whoever reads the ledger sees which bytes a tenant had when. The bytes themselves are never in it. What clients bring or
/// remove passes the gate, which says it; what runs make is said here.
/// </summary>
public sealed class ArtifactDesk(ArtifactStore store, SpanLedger ledger, TimeProvider time)
{
    /// <summary>Entries behind which nothing is under way any more: many times what waits for the ledger.</summary>
    private const int MostUnderWay = 100_000;

    private readonly SemaphoreSlim[] _removals = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    /// <summary>The bytes.</summary>
    public ArtifactStore Store => store;

    /// <summary>
    /// Keeps what a run has written and sealed. The span comes before the name: when this answers, both are durable; when the gateway dies in
    /// between, the span names bytes that nobody was told of, and the next upload says it again.
    /// </summary>
    /// <returns>The artifact, and whether the tenant did not have it before.</returns>
    public async Task<(StoredArtifact Artifact, bool IsNew)> KeepAsync(ArtifactWriter written, ArtifactHash hash, ArtifactActor actor, CancellationToken cancel)
    {
        if (store.Find(actor.Tenant, hash) is { } known)
        {
            return (known, false);
        }
        var artifact = new StoredArtifact(hash, written.Length, time.GetUtcNow());
        await SayStoredAsync(artifact, actor, cancel);
        written.Publish();
        return (artifact, true);
    }

    /// <summary>
    /// Finishes what an earlier process has said and did not live to do: bytes whose removal is on the ledger, and which are there all the same. Before anything is served. On a shared ledger another gateway may be about to
    /// do it, or to keep the same bytes again: nothing is swept there, and they stay until they are removed again.
    /// </summary>
    public async Task SweepAsync()
    {
        foreach (var tenant in ledger.Store.IsShared ? [] : store.Tenants())
        {
            foreach (var hash in await RemovedAsync(tenant))
            {
                store.Remove(tenant, hash);
            }
        }
    }

    /// <summary>The artifacts of which the last that was said at the end of the log is that they were removed.</summary>
    private async Task<IReadOnlyCollection<ArtifactHash>> RemovedAsync(string tenant)
    {
        const int Page = 100;
        var (filter, removed) = (new SpanFilter(tenant, Identifiers.ArtifactSubject(tenant), IntentPrefix: "artifact."), new HashSet<ArtifactHash>());
        for (var from = Math.Max(ledger.Minimum, ledger.Size - MostUnderWay); from < ledger.Size;)
        {
            (var spans, from) = await ledger.Store.ScanAsync(filter, from, Page);
            foreach (var said in spans.Where(span => span.Span.Length > 0).Select(span => CanonicalJson.Parse(span.Span).Root))
            {
                if (!ArtifactHash.TryParse(said.Member("payload").Text("hash"), out var hash))
                {
                    continue;
                }
                switch (said.Text("intent"))
                {
                    case "artifact.stored":
                        removed.Remove(hash);
                        break;
                    case "artifact.removed":
                        removed.Add(hash);
                        break;
                }
            }
        }
        return removed;
    }

    /// <summary>Waits for the turn to remove an artifact of that name: one after the other, so that each removal is said once.</summary>
    public async Task<IDisposable> RemovalAsync(ArtifactHash hash, CancellationToken cancel)
    {
        var turn = _removals[(uint)hash.GetHashCode() % _removals.Length];
        await turn.WaitAsync(cancel);
        return new Turn(turn);
    }

    private sealed class Turn(SemaphoreSlim held) : IDisposable
    {
        public void Dispose() => held.Release();
    }

    private Task SayStoredAsync(StoredArtifact artifact, ArtifactActor actor, CancellationToken cancel)
    {
        var span = ledger.Identity.Sign(actor.Tenant, actor.Env, "artifact.stored", "file", Identifiers.ArtifactSubject(actor.Tenant), artifact.StoredAt, json => artifact.WriteTo(json, actor.Principal, runId: actor.RunId));
        return ledger.AppendOwnAsync([span with { RunId = actor.RunId }], cancel);
    }
}

/// <summary>The artifacts of one tenant, for one run: what it may read, and where it puts what it makes.</summary>
public abstract class RunArtifacts
{
    /// <summary>The largest artifact, in bytes; also the most that an archive may unpack to.</summary>
    public abstract long MaxBytes { get; }

    /// <summary>The bytes of an artifact, or null when the tenant does not have it.</summary>
    public abstract Task<FileStream?> OpenReadAsync(string? name, CancellationToken cancel);

    /// <summary>Writes a new artifact, and keeps it.</summary>
    /// <exception cref="ArtifactException">There is no room; nothing of it is left.</exception>
    public abstract Task<StoredArtifact> WriteAsync(Func<Stream, Task> write, CancellationToken cancel);

    /// <summary>A small artifact, whole; null when the tenant has none of that name, or one that is larger than <paramref name="maxBytes"/>.</summary>
    public async Task<byte[]?> ReadSealedAsync(string name, int maxBytes, CancellationToken cancel)
    {
        await using var file = await OpenReadAsync(name, cancel);
        if (file is null || file.Length > maxBytes)
        {
            return null;
        }
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, cancel);
        return bytes;
    }
}

/// <summary>Who stores: a token, for a run that a span of the tenant's has started.</summary>
public sealed record ArtifactActor(string Tenant, string Env, string Principal, string? RunId = null);
