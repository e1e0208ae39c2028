using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Tokens;

/// <summary><c>logline tokens list</c>: the tenant's tokens, never the tokens themselves.</summary>
internal static class ListTokensCommand
{
    public static Command Create(CommandTree tree) => tree.Leaf("list", "The tenant's tokens.", call => Listing.ShowAsync(call, "/v1/tokens", token =>
    {
        var state = State(token, call.Shell.Time.GetUtcNow());
        return ($"{token.Text("token_id"),-21} {token.Text("env"),-4} {state,-34} {string.Join(", ", token.Texts("scopes"))}",
            state.StartsWith("until", StringComparison.Ordinal) || state == "active" ? Tone.Plain : Tone.Quiet);
    }));

    private static string State(JsonElement token, DateTimeOffset now)
    {
        if (token.Text("revoked_at") is { } revoked)
        {
            return $"revoked {revoked}";
        }
        return token.Text("expires_at") is not { } expires
            ? "active"
            : Timestamps.TryParse(expires, out var end) && end <= now ? $"expired {expires}" : $"until {expires}";
    }
}
