using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Artifacts;

/// <summary><c>logline artifacts remove</c>: the bytes go, what the ledger says of them stays.</summary>
internal static class RemoveArtifactCommand
{
    public static Command Create(CommandTree tree)
    {
        var hash = new Argument<string>("HASH") { Description = "blake3:<64 hex characters>." };
        return tree.Leaf("remove", "Remove an artifact.", call => RunAsync(call, call.Get(hash)), hash);
    }

    private static async Task<int> RunAsync(Call call, string hash)
    {
        var submission = new SpanSubmission(CanonicalJson.Parse("{}"u8)) { Method = HttpMethod.Delete, Path = "/v1/artifacts/" + Uri.EscapeDataString(hash) };
        if ((await call.WriteAsync(submission)).Fails(out var failure, out _))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("hash", hash);
                json.WriteString("status", "removed");
                json.WriteEndObject();
            },
            line => line($"Removed {hash}", Tone.Good));
    }
}
