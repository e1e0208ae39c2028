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
