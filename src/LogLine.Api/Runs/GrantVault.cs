using System.Collections.Concurrent;
using System.Collections.Frozen;
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
        var (opened, refused) = await opener.OpenAsync(manifest, run.Tenant, EngineName.ProviderOf(run.Provider), evidence, time.GetUtcNow(), gateway.ArtifactsOf(run).ReadSealedAsync, cancel);
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
    public ValueTask<SecretMask> MaskOfAsync(Workload? workload, CancellationToken cancel) =>
        workload is null ? new(SecretMask.None) : MaskOfAsync(workload.RunId, unknown: workload.Ref is null ? SecretMask.None : SecretMask.Everything, cancel);

    /// <summary>The same of a run's own container.</summary>
    public ValueTask<SecretMask> MaskOfAsync(RunRow run, CancellationToken cancel) => MaskOfAsync(run.RunId, SecretMask.Everything, cancel);

    /// <param name="runId">The run that made the container.</param>
    /// <param name="unknown">What is hidden of a container whose run nobody knows (any more): a deploy may have put secrets into it.</param>
    /// <param name="cancel">Gives up.</param>
    private async ValueTask<SecretMask> MaskOfAsync(string runId, SecretMask unknown, CancellationToken cancel)
    {
        if (_masks.TryGetValue(runId, out var known))
        {
            return known;
        }
        if (await gateway.FindAsync(runId) is not { } run)
        {
            return unknown;
        }
        if (run.Ref is null || await gateway.ManifestOfAsync(run) is var manifest && !DeployOrder.HoldsGrants(manifest))
        {
            return Remember(runId, SecretMask.None);
        }
        var (opened, refused) = await opener.OpenAsync(manifest, run.Tenant, EngineName.ProviderOf(run.Provider), await gateway.EvidenceOfAsync(run, manifest), null, gateway.ArtifactsOf(run).ReadSealedAsync, cancel);
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

    /// <summary>The variables of a container which hold secrets; null when that is not known.</summary>
    public async ValueTask<IReadOnlyList<string>?> VariablesOfAsync(Workload? workload) => await KeeperAsync(workload) switch
    {
        (false, _) => [],
        (true, { } run) => [.. GrantOpener.References(await gateway.ManifestOfAsync(run)).Where(reference => reference.Reference.FilePath is null).Select(reference => reference.Variable)],
        _ => null,
    };

    /// <summary>True when a container has secrets in it, or may have.</summary>
    public async ValueTask<bool> HoldsGrantsAsync(Workload? workload) => await KeeperAsync(workload) switch
    {
        (false, _) => false,
        (true, { } run) => DeployOrder.HoldsGrants(await gateway.ManifestOfAsync(run)),
        _ => true,
    };

    /// <summary>The grants of a container that were revoked after it was made with them; null when it is not known which ones it has.</summary>
    public async ValueTask<IReadOnlySet<string>?> RevokedOfAsync(Workload? workload) => await KeeperAsync(workload) switch
    {
        (false, _) => FrozenSet<string>.Empty,
        (true, { } run) => await gateway.ManifestOfAsync(run) is var manifest && DeployOrder.HoldsGrants(manifest) ? (await gateway.EvidenceOfAsync(run, manifest)).Revoked : FrozenSet<string>.Empty,
        _ => null,
    };

    /// <summary>Whether a deploy made the container, which may have put secrets into it, and that deploy where it is known (still).</summary>
    private async ValueTask<(bool IsDeployed, RunRow? Run)> KeeperAsync(Workload? workload)
    {
        if (workload is null || (_masks.TryGetValue(workload.RunId, out var known) && known == SecretMask.None))
        {
            return (false, null);
        }
        var run = await gateway.FindAsync(workload.RunId);
        return (run is null ? workload.Ref is not null : run.Ref is not null, run);
    }

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
        var placed = new HashSet<GrantReference>();
        foreach (var (variable, reference) in GrantOpener.References(manifest))
        {
            var grant = opened.First(known => known.GrantId == reference.GrantId);
            if (reference.FilePath is { } path)
            {
                env[variable] = path;
                if (!placed.Add(reference))
                {
                    continue; // another variable names the same file
                }
                mounts.Add(new WorkloadMount(MountKind.Bind, files.Write(run.RunId, mounts.Count, grant.Secret), path, ReadOnly: true) { IsSecret = true });
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
