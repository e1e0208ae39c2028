using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Artifacts;

/// <summary><c>logline artifacts put</c>: uploads a file under its own hash.</summary>
internal static class PutArtifactCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The file." };
        return tree.Leaf("put", "Upload a file; its hash is its name.", call => RunAsync(call, call.Get(file)), file);
    }

    private static async Task<int> RunAsync(Call call, string path)
    {
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.Asynchronous | FileOptions.SequentialScan);
            return await PutAsync(call, file);
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return call.Screen.Refuse(CommandFailure.File(path, defect));
        }
    }

    private static async Task<int> PutAsync(Call call, FileStream file)
    {
        var name = await HashedFile.NameAsync(file, call.Stop);
        if ((await call.UploadAsync(name, file)).Fails(out var failure, out var answer))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(answer.WriteTo, line => line($"{name}  {file.Length:N0} bytes{(answer.Flag("changed") == false ? ", there already" : "")}", Tone.Good));
    }
}
