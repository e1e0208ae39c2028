using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Artifacts;

/// <summary><c>logline artifacts list</c>: what the tenant has, by hash.</summary>
internal static class ListArtifactsCommand
{
    public static Command Create(CommandTree tree)
    {
        var after = new Option<string?>("--after") { HelpName = "HASH", Description = "Behind this one." };
        return tree.Leaf("list", "The tenant's artifacts.", call => Listing.ShowAsync(call, Listing.Path("/v1/artifacts", ("after", call.Get(after)), ("limit", 1000)), artifact =>
            ($"{artifact.Text("hash")} {artifact.Integer("bytes"),14:N0} {artifact.Text("stored_at")}", Tone.Plain), "--after"), after);
    }
}
