using System.Text.RegularExpressions;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// A reference of an image in full, completed as Docker completes it: <c>nginx</c> is <c>docker.io/library/nginx:latest</c>. Engines do that each in its own way (Podman takes
/// an image of its own, <c>localhost/…</c>, before any registry's), so it is done here, once: rules and engines see the same name.
/// </summary>
/// <param name="Name">Registry and repository.</param>
/// <param name="Tag">The tag, or null.</param>
/// <param name="Digest">The digest, or null.</param>
public sealed partial record ImageName(string Name, string? Tag, string? Digest)
{
    private const string Hub = "docker.io";
    private const string HubIndex = "index.docker.io";
    private const int LeastIdLength = 12;
    private const int IdLength = 64;

    /// <summary>What stands before a colon for containers/image where a registry could stand: a file, another store, anything but a registry.</summary>
    private static readonly HashSet<string> Transports =
        ["atomic", "containers-storage", "dir", "docker", "docker-archive", "docker-daemon", "oci", "oci-archive", "ostree", "sif", "tarball"];

    /// <summary>True for an id, or as much of one as engines show (12 characters): what has an id has no name to be judged by.</summary>
    public static bool IsId(string image)
    {
        var hex = image.AsSpan(image.StartsWith("sha256:", StringComparison.Ordinal) ? 7 : 0);
        return hex.Length is >= LeastIdLength and <= IdLength && !hex.ContainsAnyExcept("0123456789abcdef");
    }

    /// <summary>True when it names no registry: then it is an engine's choice what it means.</summary>
    public static bool IsShort(string image) => RegistryOf(image) is null;

    /// <summary>True for the word by which containers/image knows a store, an archive or another place that is no registry.</summary>
    public static bool IsTransport(string word) => Transports.Contains(word);

    /// <summary>Why this is no reference that may reach an engine, in words for its author; or null.</summary>
    public static string? Problem(string image) =>
        RegistryOf(image) is { } registry && registry.IndexOf(':') is >= 0 and var colon
        && (IsTransport(registry[..colon]) || registry.Length == colon + 1 || registry.AsSpan(colon + 1).ContainsAnyExceptInRange('0', '9'))
            ? $"'{image}' begins with '{registry}', which is no registry; expected a reference such as docker.io/library/nginx:1.27"
            : IsId(image) || Form().IsMatch(Of(image).ToString()) ? null
            : $"'{image}' is no reference: registry/repository[:tag][@digest], the repository in lower-case letters and digits, such as docker.io/library/nginx:1.27";

    /// <summary>The form that registries and engines agree on (OCI distribution, "Pulling manifests"): engines refuse any other in words, or with a status, of their own.</summary>
    [GeneratedRegex(@"\A[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[A-Za-z0-9_+.-]+:[0-9a-fA-F]+)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Form();

    /// <summary>The reference in full.</summary>
    public static ImageName Of(string image)
    {
        var at = image.IndexOf('@');
        var digest = at < 0 ? null : image[(at + 1)..];
        var rest = at < 0 ? image : image[..at];
        var colon = rest.LastIndexOf(':');
        var tag = colon > rest.LastIndexOf('/') ? rest[(colon + 1)..] : null;
        var name = tag is null ? rest : rest[..colon];
        var registry = RegistryOf(name);
        if (registry is not (null or Hub or HubIndex))
        {
            return new ImageName(name, tag, digest);
        }
        var path = registry is null ? name : name[(registry.Length + 1)..];
        // A pattern that was written with the registry means all of it.
        var isOfficial = !path.Contains('/') && !(registry is not null && path.EndsWith('*'));
        return new ImageName($"{Hub}/{(isOfficial ? "library/" : "")}{path}", tag, digest);
    }

    /// <summary>The reference in full, as text; an id stays as it is.</summary>
    public static string Full(string image) => IsId(image) ? image : Of(image).ToString();

    /// <summary><c>name:tag</c>, <c>name@digest</c>, or both; without either it is the tag <c>latest</c>.</summary>
    public override string ToString() => $"{Name}{(Tag is not null ? ":" + Tag : Digest is null ? ":latest" : "")}{(Digest is null ? "" : "@" + Digest)}";

    private static string? RegistryOf(string image) =>
        image.IndexOf('/') is > 0 and var slash && image[..slash] is var first && (first.AsSpan().ContainsAny('.', ':') || first == "localhost") ? first : null;
}
