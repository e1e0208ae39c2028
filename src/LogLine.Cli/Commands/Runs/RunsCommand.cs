using System.CommandLine;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary><c>logline runs</c>: the tenant's runs, newest first.</summary>
internal static class RunsCommand
{
    public static Command Create(CommandTree tree)
    {
        var subject = new Option<string?>("--subject") { HelpName = "URN", Description = "Only those of this subject." };
        var limit = new Option<int>("--limit") { HelpName = "N", DefaultValueFactory = _ => 20, Description = "How many, at most 1000." };
        var before = new Option<string?>("--before") { HelpName = "RUN", Description = "Only those older than this run: where the page before ended." };
        return tree.Leaf("runs", "List runs.", call => Listing.ShowAsync(call, Listing.Path("/v1/runs", ("limit", call.Get(limit)), ("subject", call.Get(subject)), ("before", call.Get(before))), run =>
        {
            var state = run.Text("state");
            return ($"{run.Text("run_id")}  {state,-9}  {run.Text("intent"),-18}  {run.Text("subject")}  {RunStateText.Detail(run)}", SpanLines.ToneOf(state));
        }, "--before"), subject, limit, before);
    }
}
