using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

/// <summary>Capabilities that reach beyond the container: the operator's word, and a proof that names them, for one use.</summary>
public sealed class CapabilityProofTests
{
    private static readonly Dictionary<string, string?> Allowed = new() { ["LogLine:Policy:AllowCapabilities:0"] = "SYS_PTRACE", ["LogLine:Policy:AllowCapabilities:1"] = "SYSLOG" };

    [Fact]
    public async Task Deploy_NeedsAProofThatNamesThem_ForEachUse()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], settings: Allowed)).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web", gateway.Manifest("""{"image":"localhost/logline-test:1","security":{"cap_add":["SYS_PTRACE","CHOWN"]}}"""));
        var other = await gateway.ApplyAsync("web", gateway.Manifest("""{"image":"localhost/logline-test:1","security":{"cap_add":["SYSLOG","SYS_PTRACE"]}}"""));
        await gateway.ProveAsync("web");

        var without = await gateway.PostAsync(TestGateway.Deploy(reference));
        await CapabilitiesAsync(gateway, "SYSLOG");
        var wrong = await gateway.PostAsync(TestGateway.Deploy(reference));
        await CapabilitiesAsync(gateway, "SYS_PTRACE");
        var wider = await gateway.PostAsync(TestGateway.Deploy(other));
        var right = await gateway.PostAsync(TestGateway.Deploy(reference));
        await gateway.ProveAsync("web");
        var again = await gateway.PostAsync(TestGateway.Deploy(reference, service: "second"));

        Assert.Equal(("428_PROOF_REQUIRED", "capability.allow"), (without.Code, without.Json.Member("details").Text("required_proof_intent")));
        Assert.Equal(["SYS_PTRACE"], without.Json.Member("details").Texts("capabilities"));
        Assert.Equal("428_PROOF_REQUIRED", wrong.Code);
        Assert.Equal("428_PROOF_REQUIRED", wider.Code);
        Assert.Null(right.Code);
        Assert.Equal("428_PROOF_REQUIRED", again.Code); // used up
    }

    [Fact]
    public async Task WhatTheOperatorDoesNotAllow_NoProofAllows()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], settings: Allowed)).RegisterKeyAsync();
        await CapabilitiesAsync(gateway, "SYS_ADMIN");

        var answer = await gateway.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/web","payload":{"manifest":{{{TestGateway.Text(gateway.Manifest("""{"image":"a","security":{"cap_add":["SYS_ADMIN"]}}"""))}}}}}""");

        Assert.Equal(("403_POLICY_DENIED", "capability.sys_admin"), (answer.Code, answer.Json.Member("details").Text("rule")));
    }

    private static async Task CapabilitiesAsync(TestGateway gateway, params string[] names)
    {
        var answer = await gateway.ProveAsync("web", draft => draft with { Intent = "capability.allow", Capabilities = names });
        Assert.True(answer.Code is null, answer.Body);
    }
}
