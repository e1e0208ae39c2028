using System.CommandLine;
using System.Globalization;
using LogLine.Cli.Output;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer pack</c>: a manifest and its sealed artifacts in one <c>.llc</c>, the same bytes every time.</summary>
internal static class PackCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The manifest; - is standard input." };
        var artifacts = new Option<string[]>("--artifact") { HelpName = "FILE", AllowMultipleArgumentsPerToken = true, Description = "A sealed artifact that the manifest names by its hash. Again for more." };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE", Required = true, Description = "Where to write it, for example web.llc." };
        return tree.Leaf("pack", "Pack a manifest and its artifacts into a .llc.", call => Task.FromResult(Run(call, call.Get(file), call.Get(artifacts) ?? [], call.Get(output)!)), file, artifacts, output);
    }

    private static int Run(Call call, string path, string[] files, string output)
    {
        if (InputFile.ReadJson(path, call.Shell.Input).Fails(out var failure, out var manifest))
        {
            return call.Screen.Refuse(failure);
        }
        // The archive holds the canonical form.
        if (ManifestCheck.Refusal([ManifestCheck.AsWritten(manifest)]) is { } altered)
        {
            return call.Screen.Refuse(altered);
        }
        var artifacts = new List<byte[]>();
        foreach (var file in files)
        {
            if (InputFile.Read(file, null, LlcArchive.MaxBytes).Fails(out failure, out var bytes))
            {
                return call.Screen.Refuse(failure);
            }
            artifacts.Add(bytes);
        }
        var named = manifest.Root.Items("artifacts").Select(artifact => artifact.Text("hash")).ToHashSet();
        if (artifacts.FindIndex(bytes => !named.Contains(ContentHash.Of(bytes))) is >= 0 and var stray)
        {
            return call.Screen.Refuse(CommandFailure.Usage($"{files[stray]} has the hash {ContentHash.Of(artifacts[stray])}, which the manifest does not name in artifacts[].hash."));
        }
        if (artifacts.Sum(bytes => (long)bytes.Length) + manifest.Utf8.Length > LlcArchive.MaxBytes)
        {
            return call.Screen.Refuse(new CommandFailure("413_TOO_LARGE", $"Together the files are over {LlcArchive.MaxBytes >> 20} MiB, which is the most that a .llc has."));
        }
        if (OutputFile.WriteBytes(output, LlcArchive.Write(manifest, artifacts)) is { } unwritten)
        {
            return call.Screen.Refuse(unwritten);
        }
        var absent = named.Count - artifacts.Select(bytes => ContentHash.Of(bytes)).Distinct().Count();
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("file", output);
                json.WriteString("manifest_hash", ContentHash.Of(manifest.Utf8.Span));
                json.WriteNumber("artifacts", artifacts.Count);
                json.WriteNumber("absent", absent);
                json.WriteEndObject();
            },
            line =>
            {
                line(string.Create(CultureInfo.InvariantCulture, $"Packed {output}: the manifest and {artifacts.Count} of {named.Count} artifacts"), Tone.Good);
                if (!ManifestSigning.IsSigned(manifest))
                {
                    line("  the manifest is not signed; 'apply' signs it, and so does 'logline minicontainer sign'", Tone.Quiet);
                }
            });
    }
}
