using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.AspNetCore.Http;

namespace LogLine.Cli.Tests.Commands;

public sealed class DeployUpTests : IDisposable
{
    private const string Ref = "mc:dev/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private readonly Terminal _terminal = new();

    [Fact]
    public async Task ProofWantedAndYes_ProvesThenSendsTheSameRequest()
    {
        await using var gateway = await FaultyGateway.StartAsync(ProofFirst());
        (await UpAsync(gateway, "--yes")).Expect(0);
        Assert.Equal(["deploy.apply", "wallet.proof.submit", "deploy.apply"], gateway.Writes.Select(write => write.Span.Intent));
        var (first, proof, again) = (gateway.Writes[0], gateway.Writes[1].Span.Payload.Member("proof"), gateway.Writes[2]);
        Assert.Equal(first.Body, again.Body);
        Assert.Equal(first.Headers["Idempotency-Key"], again.Headers["Idempotency-Key"]);
        Assert.Equal(first.Headers["X-Nonce"], again.Headers["X-Nonce"]);
        Assert.Equal(first.Headers["X-Signature"], again.Headers["X-Signature"]);
        Assert.Equal(("deploy.allow", "allow", Ref, "urn:minicontainer:dev/web", "podman"),
            (proof.Text("intent"), proof.Text("result"), proof.Text("ref"), proof.Text("subject"), proof.Member("target").Text("provider")));
    }

    [Fact]
    public async Task ProofWantedAndNobodyToAsk_SaysWhatToRun()
    {
        await using var gateway = await FaultyGateway.StartAsync(ProofFirst());
        var said = (await UpAsync(gateway)).Expect(1);
        Assert.Single(gateway.Writes);
        Assert.Contains($"logline wallet prove deploy.allow --ref {Ref}", said.Errors);
        Assert.Contains("--yes", said.Errors);
    }

    [Theory]
    [InlineData("y\n", 3, 0)]
    [InlineData("n\n", 1, 1)]
    [InlineData("", 1, 1)]
    public async Task ProofWantedOnATerminal_AsksFirst(string answer, int writes, int exitCode)
    {
        _terminal.CanAsk = true;
        await using var gateway = await FaultyGateway.StartAsync(ProofFirst());
        gateway.Enrol(_terminal);
        var said = (await _terminal.RunAsync(answer, ["deploy", "up", "--ref", Ref, "--target", "podman:svc=web"], TestContext.Current.CancellationToken)).Expect(exitCode);
        Assert.Contains("[y/N]", said.Errors);
        Assert.Equal(writes, gateway.Writes.Count);
    }

    [Fact]
    public async Task NoProve_NeverAsks()
    {
        _terminal.CanAsk = true;
        await using var gateway = await FaultyGateway.StartAsync(ProofFirst());
        var said = (await UpAsync(gateway, "--no-prove", "--yes")).Expect(1);
        Assert.DoesNotContain("[y/N]", said.Errors);
        Assert.Single(gateway.Writes);
    }

    [Fact]
    public async Task Span_IsSignedCompleteAndHashed()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received, Run("planned")));
        var said = (await UpAsync(gateway, "--json", "--wait", "7")).Expect(0);
        var write = Assert.Single(gateway.Writes);
        using var key = LogLine.Protocol.Crypto.SigningKey.FromSeed(new byte[32]);
        LogLine.Protocol.Crypto.DomainSignature.TryDecode(write.Span.Signature.Text("sig"), out var signature);
        Assert.True(LogLine.Protocol.Crypto.DomainSignature.Verify(key.PublicKey, LogLine.Protocol.Crypto.SignatureKind.Span, write.Span.SignedBytes(), signature));
        Assert.Equal(LogLine.Protocol.Crypto.ContentHash.HeaderOf(write.Body), write.Headers["X-Payload-Hash"]);
        Assert.Equal("wait=7", write.Headers["Prefer"]);
        Assert.Equal("dev", write.Headers["X-Env"]);
        Assert.Equal("""{"kind":"deploy/apply.v1","ref":"REF","target":{"provider":"podman","service":"web"}}""".Replace("REF", Ref, StringComparison.Ordinal), write.Span.Payload.GetRawText());
        Assert.Equal(("run_abc", "planned", write.Span.This), (said.Json.Text("run_id"), said.Json.Text("state"), said.Json.Text("this")));
        Assert.Equal("ok", said.Json.Member("ack").Text("status"));
    }

    [Fact]
    public async Task RunThatFailedWhileWaited_ExitsWithOne()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received, Run("failed")));
        Assert.Contains("failed", (await UpAsync(gateway, "--wait", "5")).Expect(1).Output);
    }

    [Fact]
    public async Task Receipt_IsKeptAndVerifies()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received, Run("planned")));
        (await UpAsync(gateway)).Expect(0);
        var said = (await _terminal.RunAsync("receipts", "verify", "--all", "--json")).Expect(0);
        Assert.Equal(gateway.Writes[0].Span.This, said.Json.GetProperty("receipts")[0].Text("this"));
        Assert.Contains("the span hashes to the entry's hash", said.Output);
    }

    public void Dispose() => _terminal.Dispose();

    private Task<Spoken> UpAsync(FaultyGateway gateway, params string[] more)
    {
        gateway.Enrol(_terminal);
        return _terminal.RunAsync(["deploy", "up", "--ref", Ref, "--target", "podman:svc=web", .. more]);
    }

    private static Action<System.Text.Json.Utf8JsonWriter> Run(string state) => json =>
    {
        json.WriteStartObject("run");
        json.WriteString("run_id", "run_abc");
        json.WriteString("state", state);
        json.WriteEndObject();
    };

    private static Func<HttpContext, Received, int, Task> ProofFirst() => (http, received, earlier) => received.Span.Intent == "deploy.apply" && earlier == 0
        ? FaultyGateway.Problem(http, "428_PROOF_REQUIRED", "no live proof", $$"""{"required_proof_intent":"deploy.allow","subject":"urn:minicontainer:dev/web","ref":"{{Ref}}"}""")
        : FaultyGateway.Ack(http, received, Run("planned"));
}
