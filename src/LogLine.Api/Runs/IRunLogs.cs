using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>What the containers of runs say, as readers may see it: read where the engine is, and masked there.</summary>
public interface IRunLogs
{
    /// <summary>The last lines, those that contain <paramref name="grep"/> when it is given; null when the run has no container (any more).</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<LogTail?> ReadAsync(RunRow run, int tail, string? grep, CancellationToken cancel);

    /// <summary>What it says while it comes, the last <paramref name="tail"/> lines first, those that contain <paramref name="grep"/> when it is given, until <paramref name="cancel"/>; null when the run has no container (any more).</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<FollowedLog?> FollowAsync(RunRow run, int tail, string? grep, CancellationToken cancel);
}

/// <summary>A log that is followed. It holds no more than its ring, however slow the reader is.</summary>
/// <param name="ContainerId">The target's own id of the container; null for what a run has kept by itself.</param>
/// <param name="Ring">Where the lines come in, as they are shown.</param>
/// <param name="Reading">Ends when there is nothing more to read, or nobody who reads it.</param>
public sealed record FollowedLog(string? ContainerId, LogRing Ring, Task Reading);

/// <summary>
/// Reads from this process's own adapters, and masks with what the worker knows. A command (<c>container.exec</c>, and a build is one too) has an output of its own: what it has said so far while it
/// runs, and what its result has kept of it afterwards.
/// </summary>
public sealed class LocalRunLogs(RunTargets targets, GrantVault vault, RunOutputs outputs, IRunGateway gateway, TimeProvider time) : IRunLogs
{
    /// <summary>The most lines that are looked through.</summary>
    public const int MaxTail = 10_000;

    private const int MaxBytes = 1 << 20;
    private const string Build = "image.build";

    /// <inheritdoc/>
    public async Task<LogTail?> ReadAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        if (await FindAsync(run, cancel) is not var (logs, workload, mask))
        {
            return null;
        }
        if (workload is null || IsCommand(run))
        {
            var (said, dropped) = (await SaidAsync(run)).Look();
            return Shown(said.Select(line => line.Masked(mask)), dropped, grep, tail);
        }
        // Where something is hidden the text is looked for in what is shown: who could look for it in the rest could guess it piece by piece.
        return mask.Hides
            ? await ShownAsync(logs.ReadLogAsync(workload.Id, MaxTail, MaxBytes, null, cancel), mask, grep, tail)
            : await logs.ReadLogAsync(workload.Id, tail, MaxBytes, grep, cancel);
    }

    /// <inheritdoc/>
    public async Task<FollowedLog?> FollowAsync(RunRow run, int tail, string? grep, CancellationToken cancel)
    {
        if (await FindAsync(run, cancel) is not var (logs, workload, mask))
        {
            return null;
        }
        // Looked for in what is shown, as above; and of what is not shown nothing takes the place of what is.
        var ring = new LogRing(shown: line => line.Shown(mask, grep));
        if (workload is not null && !IsCommand(run))
        {
            return new FollowedLog(workload.Id, ring, logs.FollowLogAsync(workload.Id, tail, ring, cancel));
        }
        if (run.HasEnded)
        {
            Kept(run).Fill(ring, tail);
            ring.End();
            return new FollowedLog(workload?.Id, ring, Task.CompletedTask);
        }
        return new FollowedLog(workload?.Id, ring, FollowCommandAsync(run.RunId, outputs.Follow(run.RunId, ring, tail), ring, tail, cancel));
    }

    /// <summary>
    /// Follows a command until its run has ended, wherever it is carried out: its row says so, not what is said here. Where nothing was said, as another worker has it, or it ended a moment
    /// ago, its result is shown then.
    /// </summary>
    private async Task FollowCommandAsync(string runId, RunOutput said, LogRing ring, int tail, CancellationToken cancel)
    {
        try
        {
            var ended = await gateway.EndAsync(runId, time, cancel);
            if (ended is not null && !said.HasSaid)
            {
                Kept(ended).Fill(ring, tail);
            }
        }
        finally
        {
            outputs.Leave(runId, said, ring);
            ring.End();
        }
    }

    /// <summary>What its lines come from; a build is in no container of ours, and holds no secret.</summary>
    private async Task<(IContainerPrimitives Logs, Workload? Workload, SecretMask Mask)?> FindAsync(RunRow run, CancellationToken cancel) =>
        targets.Find(run.Provider) is not IContainerPrimitives logs ? null
        : run.Intent == Build ? (logs, null, SecretMask.None)
        : await WorkloadAsync((IRunAdapter)logs, run, cancel) is { } workload
            ? (logs, workload, await vault.MaskOfAsync(workload, cancel))
            : null;

    /// <summary>The container of a deploy is the one that it made; that of a primitive the one of its name.</summary>
    private static Task<Workload?> WorkloadAsync(IRunAdapter adapter, RunRow run, CancellationToken cancel) =>
        DeployOrder.IsDeploy(run) ? adapter.FindByRunAsync(run.RunId, cancel)
        : run.Subject.StartsWith("urn:container:", StringComparison.Ordinal) && run.Service.Length > 0 ? adapter.FindByNameAsync(run.Tenant, run.Service, cancel)
        : Task.FromResult<Workload?>(null);

    /// <summary>True for a run with an output of its own: a command, beside that of its container, and a build.</summary>
    internal static bool IsCommand(RunRow run) => run.Intent is "container.exec" or Build;

    /// <summary>What a command has said here so far, or what its result has kept of it.</summary>
    private async ValueTask<RunOutput> SaidAsync(RunRow run) =>
        run.HasEnded ? Kept(run) : outputs.Find(run.RunId) ?? Kept(await gateway.FindAsync(run.RunId) ?? run);

    /// <summary>What the result of a command that has ended has of it.</summary>
    internal static RunOutput Kept(RunRow run)
    {
        var (output, result) = (new RunOutput(), RunDetail.ResultOf(run.Detail));
        foreach (var (source, name) in new[] { (1, "stdout"), (2, "stderr"), (1, "output") })
        {
            if (result.Text(name) is { Length: > 0 } text)
            {
                output.TryAppend(source, System.Text.Encoding.UTF8.GetBytes(text.EndsWith('\n') ? text : text + "\n")); // all of its lines have ended
            }
        }
        return output;
    }

    private static async Task<LogTail> ShownAsync(Task<LogTail> reading, SecretMask mask, string? grep, int wanted)
    {
        var read = (await reading).Masked(mask);
        return Shown(read.Lines, read.Dropped, grep, wanted);
    }

    /// <summary>The last of the lines that are wanted, and how many went before them.</summary>
    internal static LogTail Shown(IEnumerable<string> masked, long dropped, string? grep, int wanted)
    {
        var lines = masked.Where(line => grep is null || line.Contains(grep, StringComparison.Ordinal)).ToList();
        var kept = lines.TakeLast(wanted).ToList();
        return new LogTail(kept, dropped + lines.Count - kept.Count);
    }
}
