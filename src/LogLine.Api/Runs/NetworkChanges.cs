using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>Changes of networks that put containers in or take them out: an operation on each of those containers, which takes its turn.</summary>
public static class NetworkChanges
{
    private static readonly string[] Members = ["container", "from", "to"];

    // The effects have the same names.
    private static readonly string[] Intents = ["network.connect", "network.disconnect", "network.establish", "network.sever"];

    /// <summary>The containers that such a payload names, in the order in which their turns are taken; none for any other intent.</summary>
    public static IReadOnlyList<string> ContainersOf(string? intent, JsonElement payload) =>
        intent is null || !Intents.Contains(intent) ? [] : [.. Members.Select(member => payload.Text(member)).OfType<string>().Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The same for a run.</summary>
    public static IReadOnlyList<string> ContainersOf(RunRow run) => Intents.Contains(run.Intent) ? ContainersOf(run.Intent, RunDetail.Order(run.Detail).Arguments) : [];
}
