using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Hosting;

/// <summary>What tests ask of an adapter without a gateway that could object.</summary>
internal static class AdapterCalls
{
    /// <summary>Creates, whatever becomes of the run meanwhile.</summary>
    public static async Task<Workload> CreateAsync(this IRunAdapter adapter, WorkloadSpec spec, CancellationToken cancel) =>
        (await adapter.CreateAsync(spec, () => Task.FromResult(true), cancel, cancel))!;
}
