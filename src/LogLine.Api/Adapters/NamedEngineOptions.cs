using System.Text.RegularExpressions;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters;

/// <summary>
/// An engine beside the default one of its provider, for spans with <c>target.endpoint</c>: an item of <c>LogLine:Engines:Named</c>. A gateway whose workers are apart needs name and provider of each; the rest is said to the worker that reaches it.
/// </summary>
public sealed partial class NamedEngineOptions
{
    /// <summary>What spans call it, 1 to 63 of <c>a-z</c>, <c>0-9</c>, <c>_</c> and <c>-</c>; not <c>default</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary><c>podman</c>, <c>docker</c> or <c>nerdctl</c>.</summary>
    public string Provider { get; set; } = "";

    /// <summary>Where the API of a Podman or Docker is: <c>unix:///PATH</c> or <c>tcp://HOST:PORT</c>.</summary>
    public string? Address { get; set; }

    /// <summary>A folder with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>: the engine is reached over TLS by them. Left out: <c>tcp</c> is plain.</summary>
    public string? Certificates { get; set; }

    /// <summary>The program that is called for a nerdctl; left out: <c>nerdctl</c>.</summary>
    public string? Binary { get; set; }

    /// <summary>What stands before every verb of a nerdctl, for example <c>--namespace</c> and its value.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>What it is called among all engines.</summary>
    /// <exception cref="EngineOptionsException">Name or provider cannot be.</exception>
    internal string Engine() =>
        !NamePattern().IsMatch(Name) || Name == EngineName.Default ? throw Wrong($"Name is '{Name}'; a name is 1 to 63 of a-z, 0-9, _ and -, begins with a letter or digit, and is not '{EngineName.Default}'.")
        : !RunAdapters.Providers.Contains(Provider) ? throw Wrong($"Provider is '{Provider}'; there are {string.Join(", ", RunAdapters.Providers)}.")
        : EngineName.Of(Provider, Name);

    /// <summary>Where it is reached, with Podman and Docker.</summary>
    /// <exception cref="EngineOptionsException">That cannot be.</exception>
    internal EngineEndpoint Endpoint()
    {
        if (Binary is not null || Arguments.Count > 0)
            throw Wrong($"Binary and Arguments are for {NerdctlEngine.Provider}; {Provider} has an Address.");
        if (Address is null)
            throw Wrong("Address is missing: unix:///PATH or tcp://HOST:PORT.");
        var endpoint = EngineEndpoints.At(Engine(), Address);
        if (endpoint.Problem is { } problem)
            throw Wrong("Address: " + problem);
        if (Certificates is not null && endpoint.Sockets.Any())
            throw Wrong("Certificates are for tcp://HOST:PORT; a socket has none.");
        return Certificates is null ? endpoint : endpoint with { Tls = new EngineTls(Certificates, $"Certificates of LogLine:Engines:Named, '{Name}',") };
    }

    /// <summary>How it is called, with nerdctl.</summary>
    /// <exception cref="EngineOptionsException">That cannot be.</exception>
    internal NerdctlOptions Command() => Address is null && Certificates is null
        ? new NerdctlOptions { Binary = Binary, Arguments = Arguments }
        : throw Wrong($"Address and Certificates are for {EngineEndpoints.Podman} and {EngineEndpoints.Docker}; {NerdctlEngine.Provider} has Binary and Arguments.");

    private EngineOptionsException Wrong(string what) => new($"LogLine:Engines:Named{(Name.Length > 0 ? $", '{Name}'" : "")}: {what}");

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,62}\z")]
    private static partial Regex NamePattern();
}

/// <summary>What the operator says of engines cannot be. The message names the setting.</summary>
public sealed class EngineOptionsException(string message) : Exception(message);
