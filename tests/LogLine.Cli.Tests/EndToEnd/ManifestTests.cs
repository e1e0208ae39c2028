using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class ManifestTests(GatewayProcess gateway)
{
    [Fact]
    public async Task UnsignedManifest_IsSignedAppliedAndRemembered()
    {
        using var member = await Member.JoinAsync(gateway);
        var said = (await member.RunAsync("minicontainer", "apply", member.Manifest(), "--json")).Expect(0);
        Assert.Equal(["ref", "changed", "this", "ack"], said.Json.EnumerateObject().Select(part => part.Name));
        Assert.True(said.Json.GetProperty("changed").GetBoolean());
        Assert.StartsWith($"mc:dev/{member.Name}@blake3:", said.Json.Text("ref"));
        Assert.Contains("signing it with kid_", said.Errors);
        var proved = (await member.RunAsync("wallet", "prove", "deploy.allow", "--json")).Expect(0);
        Assert.Contains($"Using the ref applied last: {said.Json.Text("ref")}", proved.Errors);
        Assert.Equal(said.Json.Text("ref"), proved.Json.GetProperty("proof").Text("ref"));
    }

    [Fact]
    public async Task SameManifestAgain_IsUnchanged()
    {
        using var member = await Member.JoinAsync(gateway);
        var first = await member.ApplyAsync(member.Manifest());
        var again = (await member.RunAsync("minicontainer", "apply", member.Manifest(), "--json")).Expect(0);
        Assert.Equal(first, again.Json.Text("ref"));
        Assert.False(again.Json.GetProperty("changed").GetBoolean());
    }

    [Fact]
    public async Task SignedManifest_VerifiesAndSaysItsRef()
    {
        using var member = await Member.JoinAsync(gateway);
        var signed = await SignAsync(member);
        var said = (await member.RunAsync("minicontainer", "verify", signed, "--name", member.Name, "--json")).Expect(0);
        Assert.True(said.Json.GetProperty("valid").GetBoolean());
        Assert.Equal(["json", "canonical", "schema", "consistency", "provenance"], said.Json.Items("checks").Select(check => check.Text("check")));
        Assert.Equal(await member.ApplyAsync(signed), said.Json.Text("ref"));
    }

    [Fact]
    public async Task ManifestOfAnother_NeedsTheGatewayToVerify()
    {
        using var author = await Member.JoinAsync(gateway);
        using var reader = await Member.JoinAsync(gateway);
        var signed = await SignAsync(author);
        var offline = (await reader.RunAsync("minicontainer", "verify", signed)).Expect(1);
        Assert.Contains("--online", offline.Output);
        Assert.Contains("registered with the gateway", (await reader.RunAsync("minicontainer", "verify", signed, "--online")).Expect(0).Output);
    }

    [Fact]
    public async Task ChangedManifest_IsRefusedHereAndThere()
    {
        using var member = await Member.JoinAsync(gateway);
        var signed = await SignAsync(member);
        File.WriteAllText(signed, File.ReadAllText(signed).Replace("usr_1", "usr_2", StringComparison.Ordinal));
        Assert.Contains("/provenance/sig", (await member.RunAsync("minicontainer", "verify", signed)).Expect(1).Output);
        Assert.Contains("422_SIGNATURE_INVALID", (await member.RunAsync("minicontainer", "apply", signed, "--name", member.Name)).Expect(1).Errors);
    }

    [Fact]
    public async Task ManifestOfAnotherTenant_IsForbidden()
    {
        using var member = await Member.JoinAsync(gateway);
        var said = (await member.RunAsync("minicontainer", "apply", member.Manifest(tenant: "other"), "--json")).Expect(1);
        Assert.Equal("403_FORBIDDEN", said.Json.GetProperty("error").Text("code"));
    }

    [Theory]
    [InlineData("\"container\":8080.5", "/deploy/ports/0/container")]
    [InlineData("\"container\":80800", "/deploy/ports/0/container")]
    [InlineData("\"container\":8080,\"proto\":\"udp\"", "/deploy/ports/0/proto")]
    public async Task WrongValue_IsRefusedWithItsPlace(string port, string place)
    {
        using var member = await Member.JoinAsync(gateway);
        var file = member.Manifest(ports: "{" + port + "}");
        foreach (var verb in (string[])["verify", "sign", "apply"])
        {
            var said = (await member.RunAsync("minicontainer", verb, file)).Expect(1);
            Assert.Contains(place, said.Output + said.Errors);
        }
    }

    [Fact]
    public async Task UnsignedManifest_DoesNotVerify()
    {
        using var member = await Member.JoinAsync(gateway);
        var said = (await member.RunAsync("minicontainer", "verify", member.Manifest())).Expect(1);
        Assert.Contains("logline minicontainer sign", said.Output);
        Assert.Contains("ok   schema", said.Output);
    }

    [Fact]
    public async Task StandardInput_IsReadAndNeedsAName()
    {
        using var member = await Member.JoinAsync(gateway);
        var manifest = File.ReadAllText(member.Manifest());
        var stop = TestContext.Current.CancellationToken;
        (await member.Terminal.RunAsync(manifest, ["minicontainer", "apply", "-", "--name", member.Name], stop)).Expect(0);
        Assert.Contains("--name", (await member.Terminal.RunAsync(manifest, ["minicontainer", "apply", "-"], stop)).Expect(2).Errors);
        var signed = (await member.Terminal.RunAsync(manifest, ["minicontainer", "sign", "-"], stop)).Expect(0);
        Assert.Equal("ed25519-blake3", signed.Json.GetProperty("provenance").Text("alg"));
    }

    private static async Task<string> SignAsync(Member member)
    {
        var signed = member.Terminal.At($"signed.{member.Name}.json");
        (await member.RunAsync("minicontainer", "sign", member.Manifest(), "--out", signed)).Expect(0);
        var named = member.Terminal.At($"{member.Name}.json");
        File.Move(signed, named, overwrite: true);
        return named;
    }
}
