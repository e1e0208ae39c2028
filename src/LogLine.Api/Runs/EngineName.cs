using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>
/// What an engine is called among all that a gateway knows, and a run's <c>provider</c> is: its provider (<c>podman</c>), and of one beside the default also what the operator calls it (<c>podman/edge</c>; <c>target.endpoint</c>, contract, section 7).
/// </summary>
public static class EngineName
{
    /// <summary>The endpoint that every provider has. To leave it out means the same engine; a proof or a plan that names a target names it as it is written.</summary>
    public const string Default = "default";

    private const char Separator = '/';

    /// <summary>The name of the engine of a provider at an endpoint; null is the default one.</summary>
    public static string Of(string provider, string? endpoint) => endpoint is null or Default ? provider : $"{provider}{Separator}{endpoint}";

    /// <summary>The name of the engine that a target means; empty for a target without a provider.</summary>
    public static string Of(JsonElement target) => target.Text("provider") is { } provider ? Of(provider, target.Text("endpoint")) : "";

    /// <summary>The provider of an engine.</summary>
    public static string ProviderOf(string engine) => engine.IndexOf(Separator) is > 0 and var end ? engine[..end] : engine;

    /// <summary>The endpoint of an engine; <see cref="Default"/> for that of the provider itself.</summary>
    public static string EndpointOf(string engine) => engine.IndexOf(Separator) is > 0 and var end ? engine[(end + 1)..] : Default;
}
