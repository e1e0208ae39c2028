using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Tokens;

/// <summary><c>logline tokens create</c>: a token with a part of what the caller's may; it is shown once.</summary>
internal static class CreateTokenCommand
{
    public static Command Create(CommandTree tree)
    {
        var scopes = new Option<string[]>("--scope")
        {
            HelpName = "SCOPE", Required = true, AllowMultipleArgumentsPerToken = true,
            Description = "What it may: an intent (container.exec), a pattern (deploy.*), read, wallet:keys, admin:tokens, ledger:audit, metrics, runner, or *. Again for more.",
        };
        var expires = new Option<string?>("--expires") { HelpName = "TIME", Description = "When it ends: after 30m, 12h or P30D, or at an RFC 3339 time [when the caller's does]." };
        return tree.Leaf("create", "Make a token; --env limits it to an environment.", call => RunAsync(call, call.Get(scopes)!, call.Get(expires)), scopes, expires);
    }

    private static async Task<int> RunAsync(Call call, string[] scopes, string? expires)
    {
        string? until = null;
        if (expires is not null && Until(call, expires).Fails(out var failure, out until))
        {
            return call.Screen.Refuse(failure);
        }
        var body = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            if (call.Flags.Env is { } env)
            {
                json.WriteString("env", env);
            }
            if (until is not null)
            {
                json.WriteString("expires_at", until);
            }
            json.WriteStartArray("scopes");
            foreach (var scope in scopes.Distinct())
            {
                json.WriteStringValue(scope);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
        if ((await call.WriteAsync(new SpanSubmission(body) { Path = "/v1/tokens" })).Fails(out failure, out var made))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(made.WriteTo, line =>
        {
            if (made.Text("api_key") is not { } token)
            {
                line($"The token {made.Text("token_id")} was made by an earlier sending, whose answer is lost: revoke it and make another.", Tone.Warning);
                return;
            }
            line($"Made {made.Text("token_id")} for {string.Join(", ", made.Items("scopes").Select(scope => scope.GetString()))}", Tone.Good);
            line($"  env      {made.Text("env")}", Tone.Plain);
            line($"  expires  {made.Text("expires_at") ?? "never"}", Tone.Plain);
            line($"  token    {token}", Tone.Plain);
            line("           shown this once: the gateway keeps its hash alone", Tone.Quiet);
        });
    }

    private static Attempt<string> Until(Call call, string text)
    {
        if (Timestamps.TryParse(text, out var at))
        {
            return Timestamps.Write(at);
        }
        return TimeLength.TryParse(text, out var life, out var problem)
            ? Timestamps.Write(call.Shell.Time.GetUtcNow() + life)
            : CommandFailure.Usage($"'{text}' is no end for a token ({problem}): a length of time (30m, 12h, P30D) or an RFC 3339 time.", "--expires 12h");
    }
}
