using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters;

/// <summary>Every target that this program knows; a new one is a folder beside this file and a line in here (docs/adding-an-adapter.md).</summary>
public static class RunAdapters
{
    /// <summary>Their names, for a gateway that has none of the engines.</summary>
    public static IReadOnlyList<string> Providers { get; } = [EngineEndpoints.Podman, EngineEndpoints.Docker];

    /// <summary>The adapters, as the environment describes their engines. None of them needs its engine to be there yet.</summary>
    public static IReadOnlyList<IRunAdapter> Discover(Func<string, string?> environment, TimeProvider time) => EngineAdapters.Discover(environment, time);
}
