using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer sign</c>: the same manifest with this profile's provenance, in canonical form.</summary>
internal static class SignCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The manifest; - is standard input." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE", Description = "Where to write it; standard output when left out." };
        return tree.Leaf("sign", "Sign a manifest.", call => Task.FromResult(Run(call, call.Get(file), call.Get(output))), file, output);
    }

    private static int Run(Call call, string path, string? output)
    {
        if (call.Connection().Fails(out var failure, out var connection) || connection.Signer().Fails(out failure, out var signer))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = signer;
        if (InputFile.ReadJson(path, call.Shell.Input).Fails(out failure, out var manifest) || ManifestSigning.Sign(manifest, signer).Fails(out failure, out var signed))
        {
            return call.Screen.Refuse(failure);
        }
        if (output is null)
        {
            call.Screen.Document(signed.Root.WriteTo);
            call.Note($"Signed with {signer.Kid}.");
            return ExitCodes.Done;
        }
        if (OutputFile.Write(output, signed.Utf8.Span) is { } unwritten)
        {
            return call.Screen.Refuse(unwritten);
        }
        var hash = ContentHash.Of(signed.Utf8.Span);
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("file", output);
                json.WriteString("kid", signer.Kid);
                json.WriteString("hash", hash);
                json.WriteEndObject();
            },
            line => line($"Signed with {signer.Kid}: {output} ({hash})", Tone.Good));
    }
}
