using System.CommandLine;
using System.Globalization;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary><c>logline runs</c>: the tenant's runs, newest first.</summary>
internal static class RunsCommand
{
    public static Command Create(CommandTree tree)
    {
        var subject = new Option<string?>("--subject") { HelpName = "URN", Description = "Only those of this subject." };
        var limit = new Option<int>("--limit") { HelpName = "N", DefaultValueFactory = _ => 20, Description = "How many, at most 1000." };
        return tree.Leaf("runs", "List runs.", call => RunAsync(call, call.Get(subject), call.Get(limit)), subject, limit);
    }

    private static async Task<int> RunAsync(Call call, string? subject, int limit)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        var filter = subject is null ? "" : "&subject=" + Uri.EscapeDataString(subject);
        if ((await gateway.GetAsync($"/v1/runs?limit={limit.ToString(CultureInfo.InvariantCulture)}{filter}", call.Stop)).Fails(out failure, out var runs))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(runs.WriteTo, line =>
        {
            foreach (var run in runs.Items("items"))
            {
                var state = run.Text("state");
                line($"{run.Text("run_id")}  {state,-9}  {run.Text("intent"),-18}  {run.Text("subject")}  {RunStateText.Detail(run)}".TrimEnd(), SpanLines.ToneOf(state));
            }
        });
    }
}
