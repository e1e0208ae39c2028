using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer list</c>: the names that manifests were applied under, each with its ref of now.</summary>
internal static class ListCommand
{
    public static Command Create(CommandTree tree)
    {
        var limit = new Option<int>("--limit") { HelpName = "N", DefaultValueFactory = _ => 100, Description = "How many, at most 1000." };
        var after = new Option<string?>("--after") { HelpName = "URN", Description = "Only those behind this subject: where the page before ended." };
        return tree.Leaf("list", "The MiniContainers that were applied, each with its latest ref.", call => Listing.ShowAsync(
            call, Listing.Path("/v1/minicontainers", ("limit", call.Get(limit)), ("after", call.Get(after))), item => ($"{item.Text("applied_at")}  {item.Text("ref")}", Tone.Plain), "--after"), limit, after);
    }
}
