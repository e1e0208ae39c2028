using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer show</c>: what is in a manifest or a <c>.llc</c>, in a few lines; with <c>--json</c> the manifest itself.</summary>
internal static class ShowCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "A manifest or a .llc; - is standard input." };
        return tree.Leaf("show", "Show what a manifest or a .llc holds.", call => Task.FromResult(Run(call, call.Get(file))), file);
    }

    private static int Run(Call call, string path)
    {
        if (MiniContainerFile.Read(path, call.Shell.Input).Fails(out var failure, out var file))
        {
            return call.Screen.Refuse(failure);
        }
        var root = file.Manifest.Root;
        return call.Screen.Result(
            root.WriteTo,
            line =>
            {
                line($"owner      {root.Member("owner").Text("user_id")} of {root.Member("owner").Text("tenant")}", Tone.Plain);
                line($"version    {root.Text("version")}", Tone.Plain);
                line($"signed by  {SignedManifest.View(root).Kid ?? "nobody"}", Tone.Plain);
                line($"hash       {ContentHash.Of(file.Manifest.Utf8.Span)}", Tone.Plain);
                line($"runs       {root.Member("deploy").Text("image") ?? "nothing: a wallet alone"}", Tone.Plain);
                foreach (var target in root.Member("deploy").Items("targets"))
                {
                    line($"target     {target.Text("provider")}:svc={target.Text("service")}{(target.Text("endpoint") is { } endpoint ? ",ep=" + endpoint : "")}", Tone.Plain);
                }
                foreach (var artifact in root.Items("artifacts"))
                {
                    line($"artifact   {artifact.Text("id")}  {artifact.Text("hash")}  {Size(file, artifact)}", Tone.Plain);
                }
                foreach (var grant in root.Items("grants"))
                {
                    line($"grant      {grant.Text("id")}  of {grant.Text("artifact_id")} to {grant.Text("aud")} for {grant.Text("ttl")}", Tone.Plain);
                }
            });
    }

    private static string Size(MiniContainerFile file, JsonElement artifact) =>
        file.Artifacts.TryGetValue(artifact.Text("hash") ?? "", out var bytes) ? bytes.Length.ToString("N0", CultureInfo.InvariantCulture) + " bytes" : "not in this file";
}
