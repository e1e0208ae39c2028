using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class ProveTests(GatewayProcess gateway)
{
    [Fact]
    public async Task Proof_NamesWhatItIsAskedToAndLivesAsLong()
    {
        using var member = await Member.JoinAsync(gateway);
        var reference = await member.ApplyAsync(member.Manifest());
        var proof = (await member.RunAsync("wallet", "prove", "deploy.allow", "--ref", reference, "--target", "podman:svc=web", "--env", "dev", "--ttl", "90s", "--json")).Expect(0).Json.Member("proof");
        Assert.Equal(("ll.proof.v1", "deploy.allow", "allow", "dev", "dev", member.Subject, reference, "web"),
            (proof.Text("type"), proof.Text("intent"), proof.Text("result"), proof.Text("tenant"), proof.Text("env"), proof.Text("subject"), proof.Text("ref"), proof.Member("target").Text("service")));
        Timestamps.TryParse(proof.Text("ts"), out var made);
        Timestamps.TryParse(proof.Text("exp"), out var dead);
        Assert.Equal(TimeSpan.FromSeconds(90), dead - made);
    }

    [Fact]
    public async Task Deny_IsSubmittedAsOne()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var said = (await member.RunAsync("wallet", "prove", "deploy.allow", "--deny", "--json")).Expect(0);
        Assert.Equal("deny", said.Json.Member("proof").Text("result"));
    }

    [Fact]
    public async Task SubjectAlone_BindsNoRef()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var said = (await member.RunAsync("wallet", "prove", "secret.access", "--subject", $"urn:container:dev/{member.Name}", "--json")).Expect(0);
        Assert.Null(said.Json.Member("proof").Text("ref"));
    }

    [Fact]
    public async Task IntentThatNothingAsksAProofOf_IsRefused_WithThoseThatAre()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var said = (await member.RunAsync("wallet", "prove", "deploy.alow")).Expect(2);
        Assert.Contains("'deploy.alow'", said.Errors);
        Assert.Contains("capability.allow, deploy.allow, secret.access", said.Errors);
    }

    [Theory]
    [InlineData("podmn", 2)]
    [InlineData("runner_0123456789abcde", 2)]
    [InlineData("podman", 0)]
    [InlineData("runner_0123456789abcdef", 0)]
    public async Task GrantIsForAProviderOrARunner(string audience, int exitCode)
    {
        using var member = await Member.JoinAsync(gateway);
        var said = (await member.RunAsync("wallet", "grant", "create", "secret_db", "--id", $"{member.Name}_{audience}", "--aud", audience)).Expect(exitCode);
        Assert.Equal(exitCode == 2, said.Errors.Contains("podman, nerdctl, docker, kubernetes, railway", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NothingApplied_SaysHowToGiveARef()
    {
        using var member = await Member.JoinAsync(gateway);
        Assert.Contains("--ref", (await member.RunAsync("wallet", "prove", "deploy.allow")).Expect(2).Errors);
    }

    [Fact]
    public async Task RefAndSubjectOfDifferentThings_AreRefused()
    {
        using var member = await Member.JoinAsync(gateway);
        var reference = await member.ApplyAsync(member.Manifest());
        (await member.RunAsync("wallet", "prove", "deploy.allow", "--ref", reference, "--subject", "urn:minicontainer:dev/other")).Expect(2);
    }
}
