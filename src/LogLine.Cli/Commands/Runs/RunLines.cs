using System.Globalization;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;

namespace LogLine.Cli.Commands.Runs;

/// <summary>What is said about a run wherever it ends up being said.</summary>
internal static class RunLines
{
    /// <summary>Where a running container is reached: the gateway's host and each published port.</summary>
    public static IEnumerable<(string Url, long Container)> Urls(GatewayClient gateway, string? state, JsonElement facts) => state != "running"
        ? []
        : RunStateText.Ports(facts).Select(port => ($"http://{gateway.Host}:{port.Host.ToString(CultureInfo.InvariantCulture)}", port.Container));

    /// <summary>Said when Ctrl-C comes before the gateway has answered: its run is not known here.</summary>
    public static string Unanswered(string? subject) =>
        $"Stopped waiting. The gateway may have taken it, and then it goes on.\n  → logline runs --subject {subject} --limit 1    shows it; 'logline deploy cancel RUN' ends it";

    /// <summary>Why a run failed: error, exit code, and the last lines of its log.</summary>
    public static void Complain(Screen screen, string run, string state, JsonElement facts)
    {
        screen.Note($"logline: run {run} {state}: {RunStateText.Detail(facts)}", Tone.Bad);
        foreach (var line in RunStateText.LastLines(facts))
        {
            screen.Note($"  | {line}");
        }
    }
}
