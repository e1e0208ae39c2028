using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Runs;

/// <summary>
/// Two gateways as processes of their own on one database and one real engine. The one that has a run is made to stand still (SIGSTOP) in the middle of it for longer than its lease, the other one brings
/// the run to its end, and then the first goes on: it does nothing twice.
/// </summary>
public sealed class PausedRunTests(PostgresCluster cluster)
{
    private const string Kid = "kid_paused";
    private static readonly string[] Whole = ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"];

    private readonly string _service = "paused" + Guid.NewGuid().ToString("N")[..10];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>It is about to make the container, and its call gets to the engine when all is over; its call has made it; its call starts it.</summary>
    [Theory]
    [InlineData("podman", "/containers/create", true), InlineData("podman", "/containers/create", false), InlineData("podman", "/start", false)]
    [InlineData("docker", "/containers/create", true), InlineData("docker", "/start", false)]
    public async Task GatewayPausedInTheMiddleOfARun_PastItsLease_DoesNothingTwice(string provider, string call, bool isLate)
    {
        await using var engine = EngineLab.Open(provider);
        await using var wire = new EngineWire(engine.Endpoint.Current()!.ToString());
        await using var shared = Shared(await cluster.CreateDatabaseAsync());
        await using var one = await StartAsync(shared, provider, wire.Address);
        await using var other = await StartAsync(shared, provider, engine.Endpoint.Current()!.ToString(), one);
        var (paused, goesOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        wire.Before = async said =>
        {
            if (said.StartsWith("POST ", StringComparison.Ordinal) && said.Split('?')[0].EndsWith(call, StringComparison.Ordinal) && !paused.Task.IsCompleted)
            {
                one.Pause();
                paused.SetResult();
                await (isLate ? goesOn.Task : Task.CompletedTask);
            }
            return true;
        };
        try
        {
            var deploying = DeployAsync(one, provider);
            await paused.Task.WaitAsync(TimeSpan.FromMinutes(2), Cancel);
            var run = await RunAsync(other);
            await EndAsync(other, engine, run);
            one.Continue();
            goesOn.SetResult();

            Assert.Equal(run, await deploying);
            await AssertOnceAsync(shared, one, other, engine, run);
        }
        finally
        {
            goesOn.TrySetResult();
            await RemoveAsync(engine);
        }
    }

    /// <summary>It watches a container that runs, and finds it ended.</summary>
    [Theory]
    [InlineData("podman"), InlineData("docker")]
    public async Task GatewayPausedWhileItWatches_PastItsLease_DoesNothingTwice(string provider)
    {
        await using var engine = EngineLab.Open(provider);
        await using var shared = Shared(await cluster.CreateDatabaseAsync());
        await using var one = await StartAsync(shared, provider, engine.Endpoint.Current()!.ToString());
        await using var other = await StartAsync(shared, provider, engine.Endpoint.Current()!.ToString(), one);
        try
        {
            var run = await DeployAsync(one, provider);
            await StateAsync(one, run, "running");
            one.Pause();
            await EndAsync(other, engine, run);
            one.Continue();

            await AssertOnceAsync(shared, one, other, engine, run);
        }
        finally
        {
            await RemoveAsync(engine);
        }
    }

    /// <summary>The other gateway takes the run over once the lease is over, and has it until its container ends.</summary>
    private async Task EndAsync(GatewayProcess other, EngineLab engine, string run)
    {
        await StateAsync(other, run, "running");
        var container = Assert.Single(await engine.Client.ListAsync([(EngineLabels.Name, _service)], Cancel));
        await Patience.UntilAsync("what the container says", async () => (await engine.Adapter.LogTailAsync(container.Id, 10, 1000, Cancel)).Lines.Count > 0);
        await engine.Adapter.StopAsync(container.Id, TimeSpan.Zero, Cancel);
        await StateAsync(other, run, "exited");
    }

    /// <summary>One container, started once, one end and nothing behind it, and a ledger that is whole; seen when the one that stood still works again and has then ended in order, with all that it had in its hands.</summary>
    private async Task AssertOnceAsync(SharedLedger shared, GatewayProcess one, GatewayProcess other, EngineLab engine, string run)
    {
        var look = await one.PostAsync(TestGateway.Json(new { intent = "container.inspect", subject = $"urn:container:dev/{_service}", payload = new { name = _service, target = new { provider = engine.Adapter.Provider } } }),
            request => request.Set("Prefer", "wait=50"));
        Assert.True(look.Json.Member("run").Text("state") == "exited", look.Body);
        one.Signal("TERM");
        Assert.Equal(0, await one.EndAsync());

        var container = Assert.Single(await engine.Client.ListAsync([(EngineLabels.Name, _service)], Cancel));
        Assert.Equal(["begun"], (await engine.Adapter.LogTailAsync(container.Id, 10, 1000, Cancel)).Lines);
        using var answer = await other.Client.PostAsJsonAsync("/v1/spans/query", new { run_id = run, limit = 1000 }, Cancel);
        Assert.Equal(Whole, (await Answer.ReadAsync(answer)).Json.Items("items").Select(span => span.Text("intent")));
        Assert.DoesNotContain(one.Lines.Concat(other.Lines), line => line.Contains("met a defect", StringComparison.Ordinal));

        var folder = shared.NewFolder();
        SharedLedger.CopyKeys(one.Folder, folder);
        await using var witness = await TestGateway.StartAsync(folder: folder, settings: shared.Settings(), apiKey: one.ApiKey);
        await LedgerLoadTests.AssertWholeLogAsync(witness.Ledger);
        await witness.AssertWholeAsync();
    }

    private static SharedLedger Shared(string connection) => new(connection, [new("LogLine:Leases:Seconds", "6")]);

    private static Task<GatewayProcess> StartAsync(SharedLedger shared, string provider, string engine, GatewayProcess? first = null)
    {
        const string Nowhere = "unix:///nowhere/engine.sock";
        var folder = shared.NewFolder();
        if (first is not null)
        {
            SharedLedger.CopyKeys(first.Folder, folder);
        }
        var engines = new Dictionary<string, string?> { ["CONTAINER_HOST"] = provider == "podman" ? engine : Nowhere, ["DOCKER_HOST"] = provider == "docker" ? engine : Nowhere };
        return GatewayProcess.StartAsync(folder, shared.Settings().Concat(engines), first?.ApiKey);
    }

    /// <summary>Deploys a container that says once that it has begun; the run's id, when the gateway has answered.</summary>
    private async Task<string> DeployAsync(GatewayProcess gateway, string provider)
    {
        using var key = SigningKey.Generate();
        await SendAsync(gateway, TestGateway.KeyRegistration(Kid, key, "sign", "admin"));
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},
             "deploy":{"image":"{{{EngineLab.TestImage}}}","entrypoint":["/bin/sh","-c","echo begun; exec sleep 600"],"lifecycle":{"stop_timeout":"1s"}},"ts":"2026-11-20T12:00:00Z"}
            """), Kid, key);
        var subject = Identifiers.MiniContainerSubject("dev", _service);
        var applied = await SendAsync(gateway, $$$"""{"intent":"minicontainer.apply","subject":"{{{subject}}}","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
        var now = TimeProvider.System.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = subject, Ts = now, Exp = now.AddMinutes(10) }.Sign(Kid, key);
        await SendAsync(gateway, $$$"""{"intent":"wallet.proof.submit","subject":"{{{subject}}}","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
        return (await SendAsync(gateway, TestGateway.Deploy(applied.Member("result").Text("ref")!, provider, _service))).Member("run").Text("run_id")!;
    }

    private static async Task<JsonElement> SendAsync(GatewayProcess gateway, string body)
    {
        var answer = await gateway.PostAsync(body);
        Assert.True(answer.Json.Text("status") == "ok", answer.Body);
        return answer.Json;
    }

    /// <summary>The only run that there is.</summary>
    private static async Task<string> RunAsync(GatewayProcess gateway)
    {
        using var answer = await gateway.Client.GetAsync("/v1/runs", Cancel);
        return Assert.Single((await Answer.ReadAsync(answer)).Json.Items("items")).Text("run_id")!;
    }

    private static Task StateAsync(GatewayProcess gateway, string run, string state) => Patience.UntilAsync($"{run}, {state}", async () =>
    {
        using var answer = await gateway.Client.GetAsync("/v1/runs/" + run, Cancel);
        return (await Answer.ReadAsync(answer)).Json.Text("state") == state;
    });

    private async Task RemoveAsync(EngineLab engine)
    {
        foreach (var left in await engine.Client.ListAsync([(EngineLabels.Name, _service)], CancellationToken.None))
        {
            await engine.Adapter.RemoveAsync(left.Id, force: true, CancellationToken.None);
        }
    }
}
