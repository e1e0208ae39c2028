using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Tokens;

/// <summary><c>logline tokens revoke</c>: ends a token at once, and its streams with it.</summary>
internal static class RevokeTokenCommand
{
    public static Command Create(CommandTree tree)
    {
        var id = new Argument<string>("TOKEN_ID") { Description = "The token's id (tok_…), as 'logline tokens list' shows it." };
        return tree.Leaf("revoke", "End a token.", call => RunAsync(call, call.Get(id)), id);
    }

    private static async Task<int> RunAsync(Call call, string id)
    {
        if (!id.StartsWith("tok_", StringComparison.Ordinal))
        {
            return call.Screen.Refuse(CommandFailure.Usage("That is no token's id (tok_ and 16 hex characters); a token itself does not belong on a command line.", "logline tokens list"));
        }
        var submission = new SpanSubmission(CanonicalJson.Compose(json => { json.WriteStartObject(); json.WriteEndObject(); }))
        {
            Method = HttpMethod.Delete,
            Path = "/v1/tokens/" + Uri.EscapeDataString(id),
        };
        if ((await call.WriteAsync(submission)).Fails(out var failure, out _))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("token_id", id);
                json.WriteString("status", "revoked");
                json.WriteEndObject();
            },
            line => line($"Revoked {id}: it is refused from now on", Tone.Good));
    }
}
