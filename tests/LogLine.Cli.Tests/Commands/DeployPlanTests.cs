using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.Commands;

public sealed class DeployPlanTests : IDisposable
{
    private const string Ref = "mc:dev/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Digest = "blake3:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    private readonly Terminal _terminal = new();

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 2)]
    public async Task ExitCode_SaysWhetherSomethingWouldChange(bool changes, int exitCode)
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received, json => Plan(json, changes)));
        gateway.Enrol(_terminal);
        var said = (await _terminal.RunAsync(["deploy", "plan", "--ref", Ref, "--target", "podman:svc=web"])).Expect(exitCode);
        var span = Assert.Single(gateway.Writes).Span;
        Assert.Equal(("deploy.plan", "web"), (span.Intent, span.Payload.Member("target").Text("service")));
        Assert.Equal(changes, said.Output.Contains(Digest, StringComparison.Ordinal));
        Assert.Equal(changes, said.Output.Contains("~ /image  a:1 → a:2", StringComparison.Ordinal));

        var json = (await _terminal.RunAsync(["deploy", "plan", "--ref", Ref, "--target", "podman:svc=web", "--json"])).Expect(exitCode).Json;
        Assert.Equal((changes, Digest), (json.Member("plan").Flag("changes"), json.Member("plan").Text("plan_digest")));
    }

    [Theory]
    [InlineData("deploy", "plan", "--ref", Ref)]
    [InlineData("deploy", "plan", "--ref", Ref, "--target", "podman:what=web")]
    public async Task Misunderstood_IsNoChange(params string[] args)
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received));
        gateway.Enrol(_terminal);
        (await _terminal.RunAsync(args)).Expect(1);
        Assert.Empty(gateway.Writes);
    }

    [Fact]
    public async Task UpWithAPlan_SendsItsDigest_AndProvesThatPlanAlone()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, earlier) => received.Span.Intent == "deploy.apply" && earlier == 0
            ? FaultyGateway.Problem(http, "428_PROOF_REQUIRED", "no live proof", $$"""{"required_proof_intent":"deploy.allow","subject":"urn:minicontainer:dev/web","ref":"{{Ref}}"}""")
            : FaultyGateway.Ack(http, received));
        gateway.Enrol(_terminal);
        (await _terminal.RunAsync(["deploy", "up", "--ref", Ref, "--target", "podman:svc=web", "--plan", Digest, "--yes"])).Expect(0);
        Assert.Equal(Digest, gateway.Writes[0].Span.Payload.Text("plan_digest"));
        Assert.Equal(Digest, gateway.Writes[1].Span.Payload.Member("proof").Text("plan_digest"));
    }

    private static void Plan(Utf8JsonWriter json, bool changes)
    {
        json.WritePropertyName("result");
        json.WriteRawValue($$"""
            {"ref":"{{Ref}}","strategy":"{{(changes ? "beside" : "unchanged")}}","changes":{{(changes ? "true" : "false")}},"gap":false,"actions":[{"action":"create","why":"a container of a:2"}],
             "diff":[{"op":"replace","path":"/image","from":"a:1","to":"a:2"}],"observed":"{{Digest}}","plan_digest":"{{Digest}}"}
            """);
    }

    public void Dispose() => _terminal.Dispose();
}
