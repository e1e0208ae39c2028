using System.Text.Json;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class KeysTests(GatewayProcess gateway)
{
    [Fact]
    public async Task Rotation_GoesOnWithTheNewKeyAlone()
    {
        using var member = await Member.JoinAsync(gateway);
        var old = Kid(member);
        var oldProfile = File.ReadAllText(Path.Combine(member.Terminal.Home, "config.json"));
        var rotated = (await member.RunAsync("keys", "rotate", "--json")).Expect(0).Json;
        Assert.Equal(old, rotated.Text("old_kid"));
        await member.ApplyAsync(member.Manifest());
        Assert.Equal(("retired", "active"), (await StatusAsync(member, old), await StatusAsync(member, rotated.Text("new_kid")!)));

        File.WriteAllText(Path.Combine(member.Terminal.Home, "config.json"), oldProfile);
        Assert.Contains("retired", (await member.RunAsync("keys", "rotate")).Expect(1).Errors);
    }

    [Fact]
    public async Task RotationThatLostItsAnswer_IsFinishedByAskingAgain()
    {
        using var member = await Member.JoinAsync(gateway);
        var config = Path.Combine(member.Terminal.Home, "config.json");
        var before = File.ReadAllText(config);
        var rotated = (await member.RunAsync("keys", "rotate", "--json")).Expect(0).Json;
        // As if it had been cut off after the gateway had the new key and before anything here said so.
        File.WriteAllText(config, before);
        File.Move(rotated.Text("key_file")!, new HomeFolder(member.Terminal.Home).KeyFile("default.next"));

        var again = (await member.RunAsync("keys", "rotate", "--json")).Expect(0).Json;
        Assert.Equal((rotated.Text("new_kid"), rotated.Text("public_key")), (again.Text("new_kid"), again.Text("public_key")));
        await member.ApplyAsync(member.Manifest());
    }

    [Fact]
    public async Task SecondKey_SignsUntilItIsRevoked()
    {
        using var member = await Member.JoinAsync(gateway);
        var file = member.Terminal.At("colleague.pem");
        var kid = (await member.RunAsync("keys", "register", file, "--json")).Expect(0).Json.Text("kid")!;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        AsColleague(member, kid, file);
        await member.ApplyAsync(member.Manifest());
        // Its usage is sign alone: with a token that has no right over keys, it vouches for none.
        var token = (await member.RunAsync("tokens", "create", "--scope", "wallet.*", "--json")).Expect(0).Json.Text("api_key")!;
        (await member.RunAsync("keys", "register", member.Terminal.At("third.pem"), "--profile", "colleague", "--token", token)).Expect(1);
        (await member.RunAsync("keys", "register", member.Terminal.At("third.pem"), "--token", token)).Expect(0);

        (await member.RunAsync("keys", "revoke", kid, "--reason", "left the team")).Expect(0);
        var refused = await member.RunAsync("minicontainer", "apply", member.Manifest(script: "false"), "--profile", "colleague");
        Assert.Contains("422_SIGNATURE_INVALID", refused.Expect(1).Errors);
    }

    [Fact]
    public async Task OwnKey_IsRevokedOnlyWhenThatIsMeant()
    {
        using var member = await Member.JoinAsync(gateway);
        var own = Kid(member);
        Assert.Contains("keys rotate", (await member.RunAsync("keys", "revoke", own, "--reason", "x")).Expect(2).Errors);
        Assert.Equal("active", await StatusAsync(member, own));
        (await member.RunAsync("keys", "revoke", own, "--reason", "stolen", "--yes")).Expect(0);
        Assert.Equal("revoked", await StatusAsync(member, own));
    }

    private static void AsColleague(Member member, string kid, string file)
    {
        var home = new HomeFolder(member.Terminal.Home);
        Assert.False(ProfileStore.Read(home).Fails(out _, out var profiles));
        Assert.Null(ProfileStore.Save(home, "colleague", profiles!["default"] with { Kid = kid, KeyFile = file }));
    }

    private static string Kid(Member member) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(member.Terminal.Home, "config.json"))).RootElement.Member("profiles").Member("default").Text("kid")!;

    private static async Task<string?> StatusAsync(Member member, string kid) =>
        (await member.RunAsync("keys", "list", "--json")).Expect(0).Json.Items("items").Single(key => key.Text("kid") == kid).Text("status");
}
