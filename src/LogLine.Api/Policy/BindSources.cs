namespace LogLine.Api.Policy;

/// <summary>
/// Which files and folders of the host a container may mount (containers, "Primitives"): what is below a root that the operator named, links
/// followed, and never what would hand the host over.
/// </summary>
/// <remarks>
/// The engine follows links again when the container starts. A container that may write below a root could put a link there in between; the
/// operator keeps roots that containers write apart from roots that are mounted afresh (docs/primitives.md).
/// </remarks>
public static class BindSources
{
    private static readonly string[] Forbidden = ["/proc", "/sys", "/dev", "/etc", "/root", "/boot", "/run", "/var/run"];
    private static readonly string[] Sockets = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];
    private const int MaxLinks = 40;

    /// <summary>Why <paramref name="source"/>, an absolute path without <c>..</c>, may not be mounted; or null.</summary>
    /// <param name="source">What is to be mounted.</param>
    /// <param name="roots">What the operator named.</param>
    /// <param name="inSight">On the machine whose files are mounted: it has to be there. A worker in a container follows no link in a folder that it does not have.</param>
    /// <param name="engines">The sockets of this machine's engines, wherever they are and whatever they are called.</param>
    public static string? Problem(string source, IEnumerable<string> roots, bool inSight = false, IReadOnlyList<string>? engines = null)
    {
        if (Danger(source) is { } danger)
        {
            return danger;
        }
        var real = new HashSet<string>();
        foreach (var root in roots)
        {
            if (Resolve(root) is { } folder)
            {
                real.Add(folder);
            }
        }
        if (real.Count == 0)
        {
            return $"The mount of {source} is not allowed: the operator allows no folder of the host (LogLine:Policy:BindRoots).";
        }
        if (Resolve(source) is not { } target)
        {
            return $"The mount of {source} is not allowed: its links lead nowhere or in a circle.";
        }
        if (!real.Any(root => IsBelow(target, root)))
        {
            return $"The mount of {source} is not allowed: it is, links followed, not below {string.Join(", ", real.Order(StringComparer.Ordinal))} (LogLine:Policy:BindRoots).";
        }
        return Danger(target) ?? SocketIn(target, engines ?? []) ?? (inSight && !Path.Exists(target) ? $"The mount of {source} is not allowed: it is not to be seen here, so that its links cannot be followed." : null);
    }

    private static string? Danger(string path) =>
        Trim(path) == "/" || Forbidden.Any(folder => IsBelow(path, folder)) ? $"The mount of {path} is not allowed, whatever the roots: it would hand the host over."
        : Sockets.Contains(Path.GetFileName(Trim(path))) ? HoldsTheHost(path)
        : null;

    private static string HoldsTheHost(string path) => $"The mount of {path} is not allowed, whatever the roots: whoever holds an engine's socket holds the host.";

    /// <summary>A folder hands over what is in it: an engine's socket is not mounted with the folders above it either.</summary>
    private static string? SocketIn(string target, IReadOnlyList<string> engines) =>
        Sockets.Any(name => File.Exists(Path.Combine(target, name))) || engines.Any(socket => File.Exists(socket) && Resolve(socket) is { } real && IsBelow(real, target)) ? HoldsTheHost(target) : null;

    /// <summary>The path with every link in it followed; a part that does not exist stays as it is. Null when there are too many links.</summary>
    private static string? Resolve(string path)
    {
        var parts = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var (real, links) = ("", 0);
        while (parts.TryPop(out var part))
        {
            if (part is "." or "..")
            {
                real = part == "." ? real : real[..Math.Max(0, real.LastIndexOf('/'))];
                continue;
            }
            var next = real + "/" + part;
            if (new FileInfo(next).LinkTarget is not { } link)
            {
                real = next;
                continue;
            }
            if (++links > MaxLinks)
            {
                return null;
            }
            real = link.StartsWith('/') ? "" : real;
            foreach (var piece in link.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                parts.Push(piece);
            }
        }
        return real.Length == 0 ? "/" : real;
    }

    private static bool IsBelow(string path, string folder) => (Trim(path) + "/").StartsWith(folder == "/" ? "/" : folder + "/", StringComparison.Ordinal);

    private static string Trim(string path) => "/" + string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries));
}
