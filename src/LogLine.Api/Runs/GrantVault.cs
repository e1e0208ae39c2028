using System.Collections.Concurrent;
using System.Text;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>
/// Between a deploy and its secrets, in the worker: puts them into the order for its container, after every rule was asked at that moment, and knows afterwards
/// what must not stand in anything that the container says.
/// </summary>
public sealed class GrantVault(IRunGateway gateway, GrantOpener opener, SecretFiles files, TimeProvider time, ILogger<GrantVault> logger)
{
    private const int MaxMasks = 1024;
    private readonly ConcurrentDictionary<string, SecretMask> _masks = new();

    /// <summary>
    /// The order with secrets in place of <c>grant://…</c>. Each secret that is let out is on the ledger as <c>grant.materialized</c> before the container is made.
    /// </summary>
    /// <returns>The order; or why a grant stays closed, and then none is let out.</returns>
    public async Task<(WorkloadSpec Spec, GrantRefusal? Refused)> FillAsync(RunRow run, SignedManifest manifest, WorkloadSpec spec, CancellationToken cancel)
    {
        if (!DeployOrder.HoldsGrants(manifest))
        {
            return (spec, null);
        }
        var evidence = await gateway.MaterialiseAsync(run, manifest, GrantOpener.Named(manifest), cancel);
        var (opened, refused) = await opener.OpenAsync(manifest, run.Tenant, run.Provider, evidence, time.GetUtcNow(), gateway.ArtifactsOf(run).ReadSealedAsync, cancel);
        if (refused is not null)
        {
            return (spec, refused);
        }
        try
        {
            Remember(run.RunId, SecretMask.Of(opened));
            foreach (var grant in opened)
            {
                await gateway.RecordAsync(run, "grant.materialized", json => GrantEvents.WriteOpened(json, run, grant, opener.Runner.Kid), cancel);
            }
            return (Fill(run, manifest, spec, opened), null);
        }
        finally
        {
            foreach (var grant in opened)
            {
                grant.Secret.Dispose();
            }
        }
    }

    /// <summary>What must not stand in the output of the container that a run made. A secret that cannot be opened any more hides all of it: better nothing than a part.</summary>
    public async ValueTask<SecretMask> MaskOfAsync(string? runId, CancellationToken cancel)
    {
        if (runId is null)
        {
            return SecretMask.None;
        }
        if (_masks.TryGetValue(runId, out var known))
        {
            return known;
        }
        if (await gateway.FindAsync(runId) is not { } run)
        {
            return SecretMask.None;
        }
        if (run.Ref is null || await gateway.ManifestOfAsync(run) is var manifest && !DeployOrder.HoldsGrants(manifest))
        {
            return Remember(runId, SecretMask.None);
        }
        var (opened, refused) = await opener.OpenAsync(manifest, run.Tenant, run.Provider, await gateway.EvidenceOfAsync(run, manifest), null, gateway.ArtifactsOf(run).ReadSealedAsync, cancel);
        if (refused is not null)
        {
            logger.LogWarning("Output of {Run} is withheld: {Reason}", runId, refused.Reason);
            return SecretMask.Everything;
        }
        var mask = Remember(runId, SecretMask.Of(opened));
        foreach (var grant in opened)
        {
            grant.Secret.Dispose();
        }
        return mask;
    }

    /// <summary>The variables of the container that a run made which hold secrets.</summary>
    public async ValueTask<IReadOnlyList<string>> VariablesOfAsync(string? runId) =>
        await KeeperAsync(runId) is { } run
            ? [.. GrantOpener.References(await gateway.ManifestOfAsync(run)).Where(reference => reference.Reference.FilePath is null).Select(reference => reference.Variable)]
            : [];

    /// <summary>The deploy that made a container, which may have put secrets into it; null when it is known to have put none.</summary>
    private async ValueTask<RunRow?> KeeperAsync(string? runId) =>
        runId is not null && !(_masks.TryGetValue(runId, out var known) && known == SecretMask.None) && await gateway.FindAsync(runId) is { Ref: not null } run ? run : null;

    /// <summary>True when the container that a run made has secrets in it.</summary>
    public async ValueTask<bool> HoldsGrantsAsync(string? runId) =>
        await KeeperAsync(runId) is { } run && DeployOrder.HoldsGrants(await gateway.ManifestOfAsync(run));

    /// <summary>Removes the files of a run that has ended: its secrets do not outlive it.</summary>
    public async Task ClearAsync(string runId)
    {
        if (await gateway.FindAsync(runId) is null or { HasEnded: true })
        {
            files.Remove(runId);
        }
    }

    /// <summary>Removes the files of runs that ended while no worker was there.</summary>
    public async Task SweepAsync()
    {
        foreach (var runId in files.Runs())
        {
            await ClearAsync(runId);
        }
    }

    private WorkloadSpec Fill(RunRow run, SignedManifest manifest, WorkloadSpec spec, IReadOnlyList<OpenedGrant> opened)
    {
        var env = spec.Env.ToDictionary();
        var mounts = spec.Mounts.ToList();
        foreach (var (variable, reference) in GrantOpener.References(manifest))
        {
            var grant = opened.First(known => known.GrantId == reference.GrantId);
            if (reference.FilePath is { } path)
            {
                env[variable] = path;
                mounts.Add(new WorkloadMount(MountKind.Bind, files.Write(run.RunId, mounts.Count, grant.Secret), path, ReadOnly: true));
            }
            else
            {
                env[variable] = Encoding.UTF8.GetString(grant.Secret.Reveal());
            }
        }
        return spec with { Env = env, Mounts = mounts };
    }

    private SecretMask Remember(string runId, SecretMask mask)
    {
        if (_masks.Count >= MaxMasks)
        {
            // They are made again when they are asked for.
            _masks.Clear();
        }
        return _masks[runId] = mask;
    }
}
