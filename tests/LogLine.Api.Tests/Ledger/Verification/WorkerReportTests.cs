using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger.Verification;

/// <summary>What a worker reports is verified under its own key, and as an event: its key signs nothing else.</summary>
public sealed class WorkerReportTests
{
    private const string Subject = "urn:minicontainer:other/web";

    [Theory]
    [InlineData(SignatureKind.Event, true)]
    [InlineData(SignatureKind.Span, false)]
    public async Task Report_HoldsAsAnEvent_AlsoOfAnotherTenantsRun(SignatureKind kind, bool holds)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var key = SigningKey.Generate();
        var kid = "worker_" + key.PublicKeyHex[..16];
        var registered = gateway.Ledger.Identity.Sign(TestGateway.Tenant, "dev", "worker.registered", "decision", "urn:worker:dev/edge", gateway.Time.GetUtcNow(), json =>
        {
            json.WriteString("name", "edge");
            json.WriteString("kid", kid);
            json.WriteString("event_key", key.PublicKeyHex);
            json.WriteString("runner_kid", "runner_0707070707070707");
            json.WriteString("runner_key", new string('7', 64));
        });
        await gateway.Ledger.AppendOwnAsync(
            [
                registered with
                {
                    Effects =
                    [
                        new LedgerEffect.KeyRegistered(new KeyRow(TestGateway.Tenant, kid, key.PublicKey.ToArray(), ["event"], KeyStatus.Active)),
                        new LedgerEffect.KeyRegistered(new KeyRow(TestGateway.Tenant, "runner_0707070707070707", Convert.FromHexString(new string('7', 64)), ["runner"], KeyStatus.Active)),
                    ],
                },
            ],
            TestContext.Current.CancellationToken);
        await gateway.Ledger.AppendOwnAsync([Report(gateway, kid, key, kind)], TestContext.Current.CancellationToken);

        var finding = (await gateway.VerifyAsync()).Finding;

        Assert.Equal(holds ? null : 1L, finding?.Index);
        Assert.Equal(holds, finding is null);
    }

    [Fact]
    public async Task ReportOfAKeyThatNobodyRegistered_IsFound()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var key = SigningKey.Generate();
        await gateway.Ledger.AppendOwnAsync([Report(gateway, "worker_nobody", key, SignatureKind.Event)], TestContext.Current.CancellationToken);
        Assert.Contains("may not sign", (await gateway.VerifyAsync()).Finding!.Message);
    }

    private static ServerSpan Report(TestGateway gateway, string kid, SigningKey key, SignatureKind kind)
    {
        var span = new SpanDraft
        {
            Intent = "run.progress", Subject = Subject, EntityType = "function", Actor = "worker", Ts = gateway.Time.GetUtcNow(),
            Payload = json =>
            {
                json.WriteString("kind", "run/progress.v1");
                json.WriteString("run_id", "run_1");
            },
        }.Sign(kid, key, kind);
        return new ServerSpan(new LedgerEntry("dev", span.Hash, kid, "tok_worker", Timestamps.Write(gateway.Time.GetUtcNow()), "other", span.This!), span);
    }
}
