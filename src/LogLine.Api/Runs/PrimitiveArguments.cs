using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Runs;

/// <summary>What no JSON Schema says about a primitive's arguments, judged by the gate before anything is recorded. Pure.</summary>
public static class PrimitiveArguments
{
    /// <summary>The first thing that is wrong with a payload, by JSON Pointer into the span and a sentence; or null.</summary>
    public static (string Path, string Message)? Problem(JsonElement payload) =>
        Env(payload) ?? Limits(payload.Member("resources"), "/payload/resources") ?? Limits(payload, "/payload") ?? Mounts(payload) ?? Labels(payload) ?? Group(payload) ?? Stdin(payload) ?? Since(payload) ?? Signal(payload) ?? Link(payload) ?? Images(payload);

    /// <summary>A size member, string or integer; null when it is absent.</summary>
    public static long? Bytes(JsonElement resources, string name) => resources.Member(name) switch
    {
        { ValueKind: JsonValueKind.String } text when ByteSize.TryParse(text.GetString()!, out var bytes, out _) => bytes,
        { ValueKind: JsonValueKind.Number } number => number.GetInt64(),
        _ => null,
    };

    /// <summary>Thousandths of a core from <c>cpus</c>, an integer or a decimal such as "0.5"; null when it is absent.</summary>
    public static int? CpuMillis(JsonElement resources) => resources.Member("cpus") switch
    {
        { ValueKind: JsonValueKind.String } text => (int)(decimal.Parse(text.GetString()!, System.Globalization.CultureInfo.InvariantCulture) * 1000),
        { ValueKind: JsonValueKind.Number } number => number.GetInt32() * 1000,
        _ => null,
    };

    /// <summary>The moment from which <c>since</c> counts: RFC 3339, or a length of time before <paramref name="now"/>.</summary>
    public static DateTimeOffset? Moment(string? since, DateTimeOffset now) =>
        since is null ? null : Timestamps.TryParse(since, out var at) ? at : TimeLength.TryParse(since, out var length, out _) ? now - length : null;

    private static (string, string)? Link(JsonElement payload) =>
        payload.Text("from") is { } from && payload.Text("to") == from ? ("/payload/to", $"is '{from}', as from is: a container is not linked to itself; name another one in from or in to") : null;

    private static (string, string)? Images(JsonElement payload)
    {
        // "to" of a network is a container.
        foreach (var member in (ReadOnlySpan<string>)(payload.Text("image") is null ? ["tag"] : ["image", "to", "tag"]))
        {
            if (payload.Text(member) is { } image && ImageName.Problem(image) is { } problem)
            {
                return ("/payload/" + member, problem);
            }
        }
        return null;
    }

    private static (string, string)? Env(JsonElement payload)
    {
        if (payload.Member("env") is not { ValueKind: JsonValueKind.Object } env)
        {
            return null;
        }
        foreach (var variable in env.EnumerateObject())
        {
            if (variable.Value.GetString()!.StartsWith("grant://", StringComparison.Ordinal))
            {
                return ($"/payload/env/{Escape(variable.Name)}", "refers to a grant; only a deploy materialises grants (minicontainer.apply, deploy.apply)");
            }
            if (VariableSize.Problem(variable.Name, Encoding.UTF8.GetByteCount(variable.Value.GetString()!)) is { } tooLarge)
            {
                return ($"/payload/env/{Escape(variable.Name)}", tooLarge + ". Put it into a file: container.copy_to brings an artifact in, stdin_b64 gives it to a command");
            }
        }
        return null;
    }

    private static (string, string)? Limits(JsonElement resources, string at) =>
        resources.Text("memory") is { } memory && !ByteSize.TryParse(memory, out _, out var problem)
            ? (at + "/memory", $"'{memory}' {(problem.StartsWith("expected", StringComparison.Ordinal) ? "is no size; " + problem : problem)}")
            : Bytes(resources, "memory") < LeastResources.MemoryBytes
                ? (at + "/memory", "is less than 6 MiB, the least that engines accept")
                : CpuMillis(resources) is 0 ? (at + "/cpus", "is zero; give more, or leave it out for no limit")
                    : CpuMillis(resources) < LeastResources.CpuMillis ? (at + "/cpus", "is less than 0.01, the least that engines accept") : null;

    private static (string, string)? Mounts(JsonElement payload)
    {
        var targets = new HashSet<string>();
        var index = 0;
        foreach (var mount in payload.Items("mounts"))
        {
            var at = $"/payload/mounts/{index++}";
            var (type, source, target) = (mount.Text("type"), mount.Text("source"), mount.Text("target")!);
            if (type == "tmpfs" && source is not null)
            {
                return (at + "/source", "a tmpfs has no source");
            }
            if (type != "tmpfs" && source is null)
            {
                return (at + "/source", type == "bind" ? "is missing: the folder or file of the host" : "is missing: the name of a volume of volume.create");
            }
            if (target.Split('/').Any(part => part is ".." or ".") || target.TrimEnd('/').Length == 0)
            {
                return (at + "/target", $"'{target}' must be an absolute path below '/', without '.' and '..'");
            }
            if (type == "bind" && (!source!.StartsWith('/') || source.Split('/').Any(part => part is ".." or ".")))
            {
                return (at + "/source", $"'{source}' must be an absolute path without '.' and '..'");
            }
            if (type == "volume" && !LogLine.Protocol.MiniContainers.Identifiers.IsName(source))
            {
                return (at + "/source", $"'{source}' is no name of a volume; it has lower-case letters, digits, '_' and '-', at most 63");
            }
            if (!targets.Add(target.TrimEnd('/')))
            {
                return (at + "/target", $"'{target}' is mounted twice");
            }
        }
        return null;
    }

    private static (string, string)? Labels(JsonElement payload) =>
        payload.Member("labels") is { ValueKind: JsonValueKind.Object } labels
        && labels.EnumerateObject().Select(label => label.Name).FirstOrDefault(label => label.StartsWith("logline.", StringComparison.Ordinal)) is { } name
            ? ($"/payload/labels/{Escape(name)}", "begins with 'logline.', which is the gateway's own")
            : null;

    /// <summary>With these strategies a container goes when its session or task ends: it has to have one that can be ended.</summary>
    private static (string, string)? Group(JsonElement payload)
    {
        if (payload.Text("strategy") is not { } kind || kind is not ("session" or "task"))
        {
            return null;
        }
        return payload.Text(kind + "_id") is not { } id ? ($"/payload/{kind}_id", $"is missing: with the strategy '{kind}' the container goes when that {kind} ends")
            : Identifiers.IsName(id) ? null
            : ($"/payload/{kind}_id", $"'{id}' cannot be ended, so that the strategy '{kind}' would never be carried out; {kind}.end takes names of lower-case letters, digits, '_' and '-', at most 63");
    }

    private static (string, string)? Stdin(JsonElement payload) =>
        payload.Text("stdin_b64") is { } text && !Convert.TryFromBase64String(text, new byte[text.Length], out _) ? ("/payload/stdin_b64", "is not base64 (RFC 4648, section 4, padded)") : null;

    private static (string, string)? Since(JsonElement payload) =>
        payload.Text("since") is { } since && Moment(since, DateTimeOffset.UnixEpoch.AddDays(20_000)) is null ? ("/payload/since", $"'{since}' is neither an RFC 3339 time nor {TimeLength.Accepted}") : null;

    private static (string, string)? Signal(JsonElement payload) =>
        payload.Text("signal") is { } signal && !Signals.Contains(signal.StartsWith("SIG", StringComparison.Ordinal) ? signal[3..] : signal)
            ? ("/payload/signal", $"'{signal}' is no signal of Linux; for example SIGTERM, SIGHUP, SIGUSR1")
            : null;

    private static readonly HashSet<string> Signals =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
        "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    private static string Escape(string name) => name.Replace("~", "~0").Replace("/", "~1");
}
