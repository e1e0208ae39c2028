using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>
/// <c>logline logs</c>: what the container of a run says. Followed, until it ends or Ctrl-C; a connection that breaks is not taken up again, since a
/// container's log has no cursor: what was said meanwhile could be missed, and that is said instead.
/// </summary>
internal static class LogsCommand
{
    public static Command Create(CommandTree tree)
    {
        var run = new Argument<string>("RUN") { Description = "The run: run_…" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the container has ended." };
        var tail = new Option<int>("--tail") { HelpName = "N", DefaultValueFactory = _ => 100, Description = "How many of the last lines, at most 10000." };
        var grep = new Option<string?>("--grep") { HelpName = "TEXT", Description = "Only lines that contain it." };
        return tree.Leaf("logs", "Show what a container says.", call => RunAsync(call, call.Get(run), call.Get(follow), call.Get(tail), call.Get(grep)), run, follow, tail, grep);
    }

    private static async Task<int> RunAsync(Call call, string run, bool follow, int tail, string? grep)
    {
        if (!RunStateText.IsRunId(run))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{run}' is no run: they look like run_01jd0g6q2x.", "logline runs"));
        }
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        var path = $"/v1/runs/{run}/logs?tail={tail.ToString(CultureInfo.InvariantCulture)}{(grep is null ? "" : "&grep=" + Uri.EscapeDataString(grep))}";
        return follow ? await FollowAsync(call, gateway, run, path + "&follow=true") : await OnceAsync(call, gateway, path);
    }

    private static async Task<int> OnceAsync(Call call, GatewayClient gateway, string path)
    {
        if ((await gateway.GetAsync(path, call.Stop)).Fails(out var failure, out var read))
        {
            return call.Screen.Refuse(failure);
        }
        call.Screen.Result(read.WriteTo, line =>
        {
            foreach (var text in read.Texts("lines"))
            {
                line(text, Tone.Plain);
            }
        });
        Dropped(call, read.Integer("dropped"));
        return ExitCodes.Done;
    }

    private static async Task<int> FollowAsync(Call call, GatewayClient gateway, string run, string path)
    {
        call.Resume = () => $"Stopped reading; the container goes on.\n  → logline logs {run} --follow";
        await foreach (var received in RunLogStream.FollowAsync(gateway, path, call.Stop))
        {
            if (received.Fails(out var failure, out var item))
            {
                return call.Screen.Refuse(failure is { Code: "network", Next: null } ? failure with { Next = $"logline logs {run} --follow" } : failure);
            }
            if (item.EventType != "end")
            {
                Show(call, item.EventType, item.Data);
            }
        }
        return ExitCodes.Done;
    }

    private static void Show(Call call, string name, JsonElement data)
    {
        if (name == "dropped")
        {
            Dropped(call, data.Integer("lines"));
        }
        else if (call.Screen.Json)
        {
            call.Screen.Document(data.WriteTo);
        }
        else
        {
            call.Screen.Line(data.Text("line") ?? "", data.Text("source") == "stderr" ? Tone.Warning : Tone.Plain);
        }
    }

    private static void Dropped(Call call, long? lines)
    {
        if (lines > 0)
        {
            call.Note($"{lines.Value.ToString("N0", CultureInfo.InvariantCulture)} lines were not kept.");
        }
    }
}
