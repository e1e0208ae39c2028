using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>
/// The state that checks ask: what is committed, and over it what earlier items of the same request are about to commit with it. So
/// an array can register a key, use it, bring a proof and be let through by it.
/// </summary>
public sealed class GateState(TenantDirectory directory, ILedgerStore store, KnownManifests manifests, TenantTargets targets, RunDesk desk, ArtifactStore artifacts, TimeProvider time)
{
    /// <summary>How long one operation on a container waits for another (containers, "Lifecycle").</summary>
    public static readonly TimeSpan OperationWait = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly List<LedgerEffect> _pending = [];
    private readonly long _since = time.GetTimestamp();
    private Dictionary<string, AdmittedSpan>? _admitted; // most requests bring one span

    /// <summary>What the ledger knows of the request already; set once its claims are held.</summary>
    public ReplayReads Before { get; internal set; } = null!;

    /// <summary>The targets on which the tenant's runs are carried out.</summary>
    public TenantTargets Targets => targets;

    /// <summary>The worker of this process that has runs from their admission on, or null.</summary>
    public RunTaker? Taker => desk.Taker;

    /// <summary>This moment, for spans of time (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long Timestamp => time.GetTimestamp();

    /// <summary>Completes at the next change of any run.</summary>
    public Task Moved => desk.Moved;

    /// <summary>Counts an item that has passed.</summary>
    public void Add(AdmittedSpan admitted)
    {
        (_admitted ??= []).Add(admitted.Entry.This, admitted);
        _pending.AddRange(admitted.Effects);
    }

    /// <summary>The earlier item of the same request that has this name, or null.</summary>
    public AdmittedSpan? FindAdmitted(string name) => _admitted?.GetValueOrDefault(name);

    /// <summary>A tenant's artifact, or null.</summary>
    public StoredArtifact? FindArtifact(string tenant, string name) => ArtifactHash.TryParse(name, out var hash) ? artifacts.Find(tenant, hash) : null;

    /// <summary>A tenant's key, or null.</summary>
    public async ValueTask<KeyRow?> FindKeyAsync(string tenant, string kid)
    {
        var key = await directory.FindKeyAsync(tenant, kid);
        foreach (var effect in _pending)
        {
            key = effect switch
            {
                LedgerEffect.KeyRegistered { Key: var registered } when registered.Tenant == tenant && registered.Kid == kid => key ?? registered,
                LedgerEffect.KeyRetired retired when retired.Tenant == tenant && retired.Kid == kid => key! with { Status = KeyStatus.Retired },
                LedgerEffect.KeyRevoked revoked when revoked.Tenant == tenant && revoked.Kid == kid => key! with { Status = KeyStatus.Revoked },
                _ => key,
            };
        }
        return key;
    }

    /// <summary>True when there is a tenant of that name.</summary>
    public ValueTask<bool> HasTenantAsync(string tenant) => store.HasTenantAsync(tenant);

    /// <summary>A tenant's token, or null.</summary>
    public ValueTask<TokenRow?> FindTokenAsync(string tenant, string tokenId) => store.FindTokenAsync(tenant, tokenId);

    /// <summary>A tenant's webhooks.</summary>
    public ValueTask<List<WebhookRow>> WebhooksAsync(string tenant) => store.WebhooksAsync(tenant);

    /// <summary>A tenant's webhook, or null.</summary>
    public ValueTask<WebhookRow?> FindWebhookAsync(string tenant, string webhookId) => store.FindWebhookAsync(tenant, webhookId);

    /// <summary>An entry of the log, whoever's it is, or null.</summary>
    public ValueTask<StoredSpan?> FindEntryAsync(long index) => store.FindEntryAsync(index);

    /// <summary>A tenant's span that is committed, or null.</summary>
    public ValueTask<StoredSpan?> FindSpanAsync(string tenant, string name) => store.FindSpanAsync(tenant, name);

    /// <summary>A tenant's grant, or null.</summary>
    public async ValueTask<GrantRow?> FindGrantAsync(string tenant, string grantId) =>
        _pending.OfType<LedgerEffect.GrantStored>().Select(stored => stored.Grant).FirstOrDefault(grant => grant.Tenant == tenant && grant.GrantId == grantId)
        ?? await store.FindGrantAsync(tenant, grantId);

    /// <summary>The manifest that a ref names, or null.</summary>
    public async ValueTask<SignedManifest?> FindManifestAsync(MiniContainerRef reference)
    {
        foreach (var effect in _pending)
        {
            if (effect is LedgerEffect.ManifestStored { Manifest: var stored } && reference == new MiniContainerRef(stored.Tenant, stored.Name, stored.Hash))
            {
                return SignedManifest.View(CanonicalJson.Parse(stored.Manifest).Root);
            }
        }
        return await manifests.FindAsync(reference);
    }

    /// <summary>Live proofs, the one that expires first in front.</summary>
    public async ValueTask<List<ProofRow>> LiveProofsAsync(string tenant, string subject, string intent, DateTimeOffset now)
    {
        var proofs = await store.LiveProofsAsync(tenant, subject, intent, now);
        foreach (var effect in _pending)
        {
            switch (effect)
            {
                case LedgerEffect.ProofStored { Proof: { Allow: true } allow } when allow.Tenant == tenant && allow.Subject == subject && allow.Intent == intent && allow.Exp > now:
                    // One that the ledger has is not kept again: it is among the live ones, or was used or cancelled.
                    if (proofs.All(known => known.Hash != allow.Hash) && !await store.HasProofAsync(tenant, allow.Hash))
                    {
                        proofs.Add(allow);
                    }
                    break;
                case LedgerEffect.ProofStored { Proof: { Allow: false } deny } when deny.Tenant == tenant && deny.Subject == subject && deny.Intent == intent:
                    proofs.RemoveAll(proof => Overlaps(proof.Env, deny.Env) && Overlaps(proof.Ref, deny.Ref) && Overlaps(proof.Target, deny.Target) && Overlaps(proof.PlanDigest, deny.PlanDigest));
                    break;
                case LedgerEffect.ProofConsumed used:
                    proofs.RemoveAll(proof => proof.This == used.ProofThis);
                    break;
            }
        }
        return _pending.Count == 0 ? proofs : [.. proofs.OrderBy(proof => proof.Exp)];
    }

    /// <summary>The capabilities that a proof names.</summary>
    public async ValueTask<IReadOnlyList<string>> CapabilitiesOfAsync(ProofRow proof)
    {
        var span = FindAdmitted(proof.This)?.Span.Root ?? (await store.FindSpanAsync(proof.Tenant, proof.This) is { Span.Length: > 0 } stored ? CanonicalJson.Parse(stored.Span).Root : default);
        return span.Member("payload").Member("proof").Texts("capabilities");
    }

    /// <summary>A run of the tenant, or null.</summary>
    public async ValueTask<RunRow?> FindRunAsync(string tenant, string runId) =>
        await store.FindRunAsync(runId) is { } run && run.Tenant == tenant
            ? run
            : _pending.OfType<LedgerEffect.RunCreated>().Select(created => created.Run).FirstOrDefault(created => created.RunId == runId && created.Tenant == tenant);

    /// <summary>True when a deploy put secrets into the container, or may have: one that this ledger does not know.</summary>
    public async ValueTask<bool> HoldsGrantsAsync(string tenant, Workload workload) => await FindRunAsync(tenant, workload.RunId) is { } run
        ? run.Ref is { } text && MiniContainerRef.TryParse(text, out var reference) && await FindManifestAsync(reference) is { } manifest && DeployOrder.HoldsGrants(manifest)
        : workload.Ref is not null;

    /// <summary>Runs of a service that have not ended.</summary>
    public async ValueTask<List<RunRow>> LiveRunsAsync(string tenant, string service)
    {
        var runs = await store.LiveRunsAsync(tenant, service);
        foreach (var effect in _pending)
        {
            if (effect is LedgerEffect.RunCreated { Run: var run } && run.Tenant == tenant && run.Service == service)
            {
                runs.Add(run);
            }
        }
        return runs;
    }

    /// <summary>Runs about the tenant's networks that have not ended, and what else of the tenant's an earlier item of the same request starts.</summary>
    private async ValueTask<IEnumerable<RunRow>> LiveNetworkRunsAsync(string tenant) => (await store.LiveNetworkRunsAsync(tenant))
        .Concat(_pending.OfType<LedgerEffect.RunCreated>().Select(created => created.Run).Where(run => run.Tenant == tenant));

    /// <summary>
    /// The deploys of a service that have not ended, newest first. While the newest runs and takes the place of another, that is waited for, at most
    /// <see cref="OperationWait"/> from the request's coming.
    /// </summary>
    public async ValueTask<IReadOnlyList<RunRow>> SettledDeploysAsync(string tenant, string provider, string service, CancellationToken cancel)
    {
        while (true)
        {
            var moved = desk.Moved;
            var runs = await LiveRunsAsync(tenant, service);
            var live = runs.Count == 0 ? runs : NewestDeploys(runs, provider);
            var left = OperationWait - time.GetElapsedTime(_since);
            if (live.Count < 2 || live[0].State < RunState.Running || left <= TimeSpan.Zero)
            {
                return live;
            }
            try
            {
                await moved.WaitAsync(left, time, cancel);
            }
            catch (TimeoutException)
            {
                // Looked at once more above, for the last time.
            }
        }
    }

    private static List<RunRow> NewestDeploys(List<RunRow> runs, string provider) =>
        [.. runs.Where(run => DeployOrder.IsDeploy(run) && run.Provider == provider).OrderByDescending(run => run.CreatedAt)];

    /// <summary>Runs about a subject, newest first.</summary>
    public ValueTask<List<RunRow>> RunsOfAsync(string tenant, string subject) => store.RunsAsync(tenant, subject, 1000);

    /// <summary>
    /// A primitive that is at work on a container, as the one that it is about or as an end of a network, and was not done within <see cref="OperationWait"/> of the request's coming; null when there is
    /// none (any more). What an earlier item of the same request is about to start is not waited for: it begins after the answer.
    /// </summary>
    public async ValueTask<RunRow?> PendingPrimitiveAsync(string tenant, string provider, string name, CancellationToken cancel)
    {
        while (true)
        {
            var moved = desk.Moved;
            var pending = (await LiveRunsAsync(tenant, name)).Where(run => RunDetail.TakesTurn(run.Detail))
                .Concat((await LiveNetworkRunsAsync(tenant)).Where(run => NetworkChanges.ContainersOf(run).Contains(name)))
                .FirstOrDefault(run => run.Provider == provider);
            var left = OperationWait - time.GetElapsedTime(_since);
            if (pending is null || left <= TimeSpan.Zero || _pending.OfType<LedgerEffect.RunCreated>().Any(created => created.Run.RunId == pending.RunId))
            {
                return pending;
            }
            try
            {
                await moved.WaitAsync(left, time, cancel);
            }
            catch (TimeoutException)
            {
                // Looked at once more above, for the last time.
            }
        }
    }

    /// <summary>
    /// True while a deploy that runs has not given its container the service's name yet, a moment later; false once <see cref="OperationWait"/> from the request's coming is over. <paramref name="holder"/> is the run whose container has the name.
    /// </summary>
    public async ValueTask<bool> IsTakingOverAsync(string tenant, string provider, string name, string? holder, CancellationToken cancel)
    {
        if (NewestDeploys(await LiveRunsAsync(tenant, name), provider).Find(run => run.State == RunState.Running) is not { } newest || newest.RunId == holder || time.GetElapsedTime(_since) >= OperationWait)
        {
            return false;
        }
        await Task.Delay(Glance, time, cancel);
        return true;
    }

    private static bool Overlaps(string? allowed, string? denied) => allowed is null || denied is null || allowed == denied;
}
