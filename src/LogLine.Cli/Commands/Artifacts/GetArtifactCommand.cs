using System.CommandLine;
using LogLine.Cli.Output;

namespace LogLine.Cli.Commands.Artifacts;

/// <summary><c>logline artifacts get</c>: downloads an artifact, and keeps it only when its bytes have its hash.</summary>
internal static class GetArtifactCommand
{
    public static Command Create(CommandTree tree)
    {
        var hash = new Argument<string>("HASH") { Description = "blake3:<64 hex characters>." };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE", Description = "Where to write it.", Required = true };
        return tree.Leaf("get", "Download an artifact and verify it.", call => RunAsync(call, call.Get(hash), call.Get(output)!), hash, output);
    }

    private static async Task<int> RunAsync(Call call, string hash, string path)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        try
        {
            using var draft = new DraftFile(path);
            long length;
            await using (var file = new FileStream(draft.Path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.Asynchronous))
            {
                if (await gateway.DownloadAsync("/v1/artifacts/" + Uri.EscapeDataString(hash), file, call.Stop) is { } refused)
                {
                    return call.Screen.Refuse(refused);
                }
                if (await HashedFile.NameAsync(file, call.Stop) is var found && found != hash)
                {
                    return call.Screen.Refuse(new CommandFailure("verification", $"What the gateway sent has the hash {found}, not {hash}; nothing was kept."));
                }
                length = file.Length;
            }
            draft.Keep();
            return call.Screen.Result(
                json =>
                {
                    json.WriteStartObject();
                    json.WriteString("hash", hash);
                    json.WriteNumber("bytes", length);
                    json.WriteString("file", path);
                    json.WriteEndObject();
                },
                line => line($"{path}: {length:N0} bytes, and they have that hash", Tone.Good));
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return call.Screen.Refuse(CommandFailure.File(path, defect));
        }
    }
}
