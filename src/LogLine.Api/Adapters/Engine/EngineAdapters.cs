using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>The adapters of this folder, for the program's table of contents.</summary>
public static class EngineAdapters
{
    /// <summary>
    /// One adapter for Podman and one for Docker, whether their engines are there or not: an engine that is started later is found,
    /// one that is absent says so through <see cref="IRunAdapter.StatusAsync"/>.
    /// </summary>
    /// <param name="environment">Reads a variable: <c>CONTAINER_HOST</c>, <c>DOCKER_HOST</c>, <c>XDG_RUNTIME_DIR</c>, <c>HOME</c>.</param>
    /// <param name="time">The clock of all limits.</param>
    public static IReadOnlyList<IRunAdapter> Discover(Func<string, string?> environment, TimeProvider time) =>
        [.. EngineEndpoints.Discover(environment).Select(endpoint => new EngineAdapter(endpoint, time))];
}
