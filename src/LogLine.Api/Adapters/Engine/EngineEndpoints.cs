using System.Net.Sockets;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Where the engine of one provider may be reached: its candidates in order of preference. A socket that an operator names is the
/// only candidate; the default sockets are looked for anew on every connection, because an engine may be started after us.
/// </summary>
/// <param name="Provider">Which engine it is (<see cref="EngineName"/>): <c>docker</c>, <c>podman</c>, or one that the operator has named, <c>podman/edge</c>.</param>
/// <param name="Candidates"><c>unix:///path</c> or <c>tcp://host:port</c>.</param>
/// <param name="Problem">Why the variable that names the endpoint cannot be used, or null.</param>
public sealed record EngineEndpoint(string Provider, IReadOnlyList<Uri> Candidates, string? Problem = null)
{
    /// <summary>How <c>tcp</c> is secured; null for not at all.</summary>
    public EngineTls? Tls { get; init; }

    /// <summary>The operator has said where it is; else it is looked for where it usually is.</summary>
    public bool IsChosen { get; init; }

    /// <summary>Where it is, when there is one place: the same for two names of one engine.</summary>
    public string Place => Candidates is [var only] ? PlaceOf(only) : "";

    /// <summary>The same, not looked for where others are.</summary>
    public EngineEndpoint Without(IReadOnlyList<EngineEndpoint> others)
    {
        var left = Candidates.Where(candidate => !others.Any(other => other.Place == PlaceOf(candidate))).ToList();
        return this with { Candidates = left, Problem = Problem ?? (left.Count > 0 ? null : $"no {Provider} engine beside those of LogLine:Engines:Named: each socket that it usually has is one of theirs.") };
    }

    /// <summary>The paths at which its socket is, or may come to be.</summary>
    public IEnumerable<string> Sockets => Candidates.Where(candidate => candidate.Scheme == "unix").Select(candidate => candidate.LocalPath);

    /// <summary>The candidate to connect to now: the first whose socket exists, or null.</summary>
    public Uri? Current() => Problem is not null ? null : Candidates.FirstOrDefault(c => c.Scheme != "unix" || File.Exists(c.LocalPath));

    /// <summary>What is wrong when nothing is there to connect to, and what to do.</summary>
    public string Absence() =>
        Problem ?? $"no {Provider} engine: no socket at {string.Join(", ", Candidates.Select(c => c.LocalPath))}. {WayOut()}";

    /// <summary>What is wrong when <paramref name="address"/> is there and the connection failed, and what to do.</summary>
    public string Explain(Uri address, SocketException error) => error.SocketErrorCode switch
    {
        SocketError.AccessDenied => $"no permission to use {address}: run as its owner, or join the group that owns the socket.",
        SocketError.ConnectionRefused => $"nobody answers at {address}. {WayOut()}",
        _ => $"{address} cannot be reached: {error.Message}. {WayOut()}",
    };

    // The one folder is a link to the other (FHS 3.0, 5.13.2).
    static string PlaceOf(Uri candidate) => candidate.ToString().Replace("unix:///var/run/", "unix:///run/", StringComparison.Ordinal);

    string WayOut() => EngineName.EndpointOf(Provider) is var endpoint and not EngineName.Default ? $"Start it, or correct its Address (LogLine:Engines:Named, '{endpoint}')."
        : Provider == EngineEndpoints.Podman
        ? "Start it (systemctl --user start podman.socket, or podman system service --time=0 unix:///PATH) or set CONTAINER_HOST=unix:///PATH."
        : "Start it (systemctl start docker) or set DOCKER_HOST=unix:///PATH.";
}

/// <summary>Finds engines as their own clients do: the variable that names one, else the default sockets, rootless before rootful.</summary>
public static class EngineEndpoints
{
    /// <summary>Provider name of Docker.</summary>
    public const string Docker = "docker";

    /// <summary>Provider name of Podman.</summary>
    public const string Podman = "podman";

    /// <summary>One endpoint per provider, Podman first (containers, runtime choice). Nothing is connected to yet.</summary>
    public static IReadOnlyList<EngineEndpoint> Discover(Func<string, string?> environment) =>
    [
        Named(Podman, "CONTAINER_HOST", environment) ?? new(Podman, Sockets(
            Below(environment("XDG_RUNTIME_DIR"), "podman/podman.sock"),
            Below($"/run/user/{UserId()}", "podman/podman.sock"),
            "/run/podman/podman.sock")),
        Named(Docker, "DOCKER_HOST", environment) ?? new(Docker, Sockets(
            Below(environment("XDG_RUNTIME_DIR"), "docker.sock"),
            Below(environment("HOME"), ".docker/run/docker.sock"),
            "/var/run/docker.sock")),
    ];

    /// <summary>The endpoint at one address, for example <c>unix:///run/podman/podman.sock</c>.</summary>
    public static EngineEndpoint At(string provider, string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("unix" or "tcp"))
            return new(provider, [], $"{address} cannot be used for {provider}: only unix:///PATH and tcp://HOST:PORT are.");
        if (uri.Scheme == "tcp" && uri.Port <= 0)
            return new(provider, [], $"{address} cannot be used for {provider}: it has no port.");
        return new(provider, [uri]);
    }

    /// <summary>What <c>…_HOST</c> names. With any value of <c>…_TLS_VERIFY</c> it is reached over TLS, by the files in <c>…_CERT_PATH</c>; those are Docker's variables, and Podman's engine has the same here.</summary>
    static EngineEndpoint? Named(string provider, string variable, Func<string, string?> environment)
    {
        var prefix = variable[..^"_HOST".Length];
        var address = environment(variable);
        if (string.IsNullOrWhiteSpace(address))
            return null;
        var endpoint = At(provider, address);
        var folder = environment(prefix + "_CERT_PATH") is { Length: > 0 } named ? named : Below(environment("HOME"), provider == Docker ? ".docker" : ".config/containers");
        return endpoint with
        {
            IsChosen = true,
            Problem = endpoint.Problem is null ? null : $"{variable}: {endpoint.Problem}",
            Tls = string.IsNullOrEmpty(environment(prefix + "_TLS_VERIFY")) ? null : new EngineTls(folder ?? "", prefix + "_CERT_PATH"),
        };
    }

    static Uri[] Sockets(params string?[] paths) => [.. paths.OfType<string>().Distinct().Select(path => new Uri($"unix://{path}"))];

    static string? Below(string? folder, string path) => string.IsNullOrEmpty(folder) ? null : Path.Combine(folder, path);

    // The base library has no getuid; the kernel shows it as the owner of our own entry in /proc.
    static string UserId()
    {
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("Uid:", StringComparison.Ordinal));
            return line?.Split('\t', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(1) ?? "0";
        }
        catch (IOException)
        {
            return "0";
        }
    }
}
