using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Deploy;

/// <summary>
/// A target on the command line: <c>provider:key=value,…</c> with the short keys of the blueprint (<c>podman:svc=web</c>,
/// <c>railway:proj=rw1,svc=web</c>) or the full names. What each provider needs is the gateway's to say.
/// </summary>
internal static class TargetSyntax
{
    private const string Example = "podman:svc=web or railway:proj=rw1,svc=web";

    private static readonly (string Short, string Full)[] Keys =
        [("svc", "service"), ("proj", "project_id"), ("env", "environment_id"), ("ns", "namespace"), ("ctx", "context"), ("ep", "endpoint")];

    /// <summary>The target as the contract has it.</summary>
    public static Attempt<CanonicalJson> Parse(string text)
    {
        var colon = text.IndexOf(':');
        var provider = colon < 0 ? text : text[..colon];
        if (provider.Length is 0 or > 32 || !char.IsAsciiLetterLower(provider[0]))
        {
            return CommandFailure.Usage($"'{text}' names no provider.", Example);
        }
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["provider"] = provider };
        foreach (var pair in colon < 0 ? [] : text[(colon + 1)..].Split(','))
        {
            var equals = pair.IndexOf('=');
            var key = equals < 0 ? pair : pair[..equals];
            var full = Array.Find(Keys, known => known.Short == key || known.Full == key).Full;
            if (full is null || equals == pair.Length - 1 || equals < 0)
            {
                return CommandFailure.Usage($"'{pair}' in '{text}' is not key=value with one of {string.Join(", ", Keys.Select(known => known.Short))}.", Example);
            }
            if (!members.TryAdd(full, pair[(equals + 1)..]))
            {
                return CommandFailure.Usage($"'{key}' stands twice in '{text}'.", Example);
            }
        }
        return CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var (name, value) in members)
            {
                json.WriteString(name, value);
            }
            json.WriteEndObject();
        });
    }

    /// <summary>A target for one container that is named apart: provider, and endpoint perhaps.</summary>
    public static Attempt<CanonicalJson> ParseEngine(string text)
    {
        if (Parse(text).Fails(out var failure, out var target))
        {
            return failure;
        }
        return target.Root.EnumerateObject().All(member => member.Name is "provider" or "endpoint")
            ? target
            : CommandFailure.Usage($"'{text}' says more than the engine: the container is named by SERVICE.", "--target podman, or podman:ep=NAME");
    }
}
