using System.Text;
using System.Text.Json;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Api.Tests.Policy.Redis;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Deploy;

/// <summary>
/// Two gateways and a worker on one PostgreSQL and one Redis, behind a balancer, are replaced one after the other while clients write, deploy and read: the same processes, roles, signals and
/// health checks as in a deployment. Nobody loses a span or an event, every run ends once, and no client sees more than what it would repeat anyway.
/// </summary>
public sealed class RollingRestartTests(PostgresCluster cluster)
{
    private const string Kid = "kid_rolling";
    private const int Writers = 4;
    private const int Rounds = 2;

    // A machine that runs all other tests meanwhile is slow, and that is no failure.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GatewaysAndWorkerReplacedUnderLoad_LoseNoSpanAndNoEvent()
    {
        Balancer.Require();
        await using var redis = await RedisLab.OpenAsync();
        await using var site = await Site.StartAsync(await cluster.CreateDatabaseAsync(), redis.Connection);
        using var client = new RepeatingClient(site);
        // So that the gateways share a bucket, which is what Redis is for.
        await client.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"registry.*","rate_per_minute":600000,"burst":100000}}""");
        using var loading = new CancellationTokenSource();
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var writers = Enumerable.Range(0, Writers).Select(writer => WriteAsync(site, writer, loading.Token)).ToList();
        var deployer = DeployAsync(site, client, loading.Token);
        var reader = new ResumingReader(site.Address, site.ApiKey, "");
        var read = reader.ReadAsync(int.MaxValue, overWebSocket: false, reading.Token);

        for (var round = 0; round < Rounds; round++)
        {
            await site.ReplaceGatewayAsync(0);
            await site.ReplaceWorkerAsync();
            await site.ReplaceGatewayAsync(1);
        }
        await loading.CancelAsync();
        var acked = (await Task.WhenAll(writers)).SelectMany(one => one).ToList();
        var runs = await deployer.WaitAsync(Patience, Cancel);
        var spans = await site.SpansAsync();

        await AssertReadAsync(reader, spans);
        await reading.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        // Every Ack is of the entry that it names, and every person on the ledger was acked once.
        Assert.All(acked, ack => Assert.Equal(ack.This, spans[(int)ack.Index].Text("this")));
        Assert.Equal(spans.Where(span => span.Text("intent") == "registry.person.create").Select(span => span.Text("this")).Order(), acked.Select(ack => ack.This).Order());
        Assert.True(acked.Count > Rounds * Writers, $"only {acked.Count} spans were written meanwhile");
        Assert.NotEqual(":0", await redis.CommandAsync("DBSIZE"));
        Assert.NotEmpty(runs);
        foreach (var run in runs)
        {
            // Each state once and in order, whichever worker said it to whichever gateway.
            Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run.cancel", "run_state.cancelled"], (await site.SpansAsync(run)).Select(span => span.Text("intent")));
        }
    }

    private static async Task AssertReadAsync(ResumingReader reader, List<JsonElement> spans)
    {
        for (var began = TimeProvider.System.GetTimestamp(); reader.Received.Count < spans.Count;)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, $"the reader has {reader.Received.Count} of {spans.Count}");
            await Task.Delay(20, Cancel);
        }
        var received = reader.Received.Take(spans.Count).ToList();
        Assert.Equal(Enumerable.Range(1, spans.Count).Select(seq => (long)seq), received.Select(one => one.Id));
        Assert.Equal(spans.Select(span => span.Text("this")), received.Select(one => CanonicalJson.Parse(Encoding.UTF8.GetBytes(one.Span)).Root.Text("this")));
    }

    /// <summary>Writes one span after the other, each until it is acked.</summary>
    private static async Task<List<(string This, long Index)>> WriteAsync(Site site, int writer, CancellationToken stop)
    {
        using var client = new RepeatingClient(site);
        var acked = new List<(string, long)>();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var ack = await client.PostAsync(GatewayActs.Person($"w{writer}-{i}"));
            acked.Add((ack.Text("this")!, ack.Member("receipt").Integer("log_index")!.Value));
        }
        return acked;
    }

    /// <summary>Deploys a container, waits until it runs, cancels it and waits until it has ended, again and again; the runs.</summary>
    private static async Task<List<string>> DeployAsync(Site site, RepeatingClient client, CancellationToken stop)
    {
        var service = "rolling-" + Guid.NewGuid().ToString("N")[..8];
        var subject = Identifiers.MiniContainerSubject(TestGateway.Tenant, service);
        using var key = SigningKey.Generate();
        await client.PostAsync(TestGateway.KeyRegistration(Kid, key, "sign", "admin"));
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},
             "deploy":{"image":"{{Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE")}}","entrypoint":["/bin/sleep","600"],"lifecycle":{"stop_timeout":"1s"} },"ts":"2026-11-20T12:00:00Z"}
            """), Kid, key);
        var runs = new List<string>();
        try
        {
            var applied = await client.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"{{{subject}}}","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
            do
            {
                var now = DateTimeOffset.UtcNow;
                var proof = new ProofDraft { Intent = "deploy.allow", Tenant = TestGateway.Tenant, Subject = subject, Ts = now, Exp = now.AddMinutes(10) }.Sign(Kid, key);
                await client.PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"{{{subject}}}","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
                var deployed = await client.PostAsync(TestGateway.Deploy(applied.Member("result").Text("ref")!, "podman", service));
                runs.Add(deployed.Member("run").Text("run_id")!);
                await client.RunInAsync(runs[^1], "running", Patience);
                await client.PostAsync($$$"""{"intent":"run.cancel","subject":"{{{subject}}}","payload":{"run_id":"{{{runs[^1]}}}"}}""");
                await client.RunInAsync(runs[^1], "cancelled", Patience);
            }
            while (!stop.IsCancellationRequested);
        }
        finally
        {
            await site.RemoveAsync(service);
        }
        return runs;
    }
}
