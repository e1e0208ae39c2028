using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class TokensTests(GatewayProcess gateway)
{
    [Fact]
    public async Task Token_DoesWhatItMayUntilItIsRevoked()
    {
        using var member = await Member.JoinAsync(gateway);
        var made = (await member.RunAsync("tokens", "create", "--scope", "read", "deploy.*", "--expires", "12h", "--env", "stg", "--json")).Expect(0).Json;
        var (token, id) = (made.Text("api_key")!, made.Text("token_id")!);

        var me = (await member.RunAsync("whoami", "--token", token, "--json")).Expect(0).Json;
        Assert.Equal((id, "stg"), (me.Text("token_id"), me.Text("env")));
        Assert.Equal(["deploy.*", "read"], me.Items("scopes").Select(scope => scope.GetString()!).Order(StringComparer.Ordinal));
        var listed = (await member.RunAsync("tokens", "list")).Expect(0).Output;
        Assert.Contains(id, listed);
        Assert.DoesNotContain(token, listed);
        // It has no right over other tokens.
        Assert.Contains("403_FORBIDDEN", (await member.RunAsync("tokens", "list", "--token", token)).Expect(1).Errors);

        (await member.RunAsync("tokens", "revoke", id)).Expect(0);
        Assert.Contains("401_UNAUTHENTICATED", (await member.RunAsync("whoami", "--token", token)).Expect(1).Errors);
        Assert.Contains("revoked", (await member.RunAsync("tokens", "list")).Expect(0).Output.Split('\n').Single(line => line.StartsWith(id, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Attenuation_NeverGivesMoreThanTheCallerHas()
    {
        using var member = await Member.JoinAsync(gateway);
        var narrow = (await member.RunAsync("tokens", "create", "--scope", "admin:tokens", "--scope", "read", "--json")).Expect(0).Json.Text("api_key")!;
        (await member.RunAsync("tokens", "create", "--scope", "read", "--token", narrow)).Expect(0);
        Assert.Contains("403_FORBIDDEN", (await member.RunAsync("tokens", "create", "--scope", "deploy.apply", "--token", narrow)).Expect(1).Errors);
    }

    [Theory]
    [InlineData("--scope", "read", "--expires", "soon")]
    [InlineData("--scope", "read", "--expires", "0h")]
    [InlineData("--expires", "12h")]
    public async Task WrongWords_AreAMatterOfUsage(params string[] words)
    {
        using var member = await Member.JoinAsync(gateway);
        (await member.RunAsync(["tokens", "create", .. words])).Expect(2);
    }

    [Fact]
    public async Task TokenInsteadOfItsId_IsNotSentAnywhere()
    {
        using var member = await Member.JoinAsync(gateway);
        var said = (await member.RunAsync("tokens", "revoke", "ll_secret_value")).Expect(2);
        Assert.DoesNotContain("ll_secret_value", said.Errors);
    }
}
