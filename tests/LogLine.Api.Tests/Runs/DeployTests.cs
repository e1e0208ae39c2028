using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Runs;

public sealed class DeployTests
{
    [Fact]
    public async Task ProvenDeploy_RunsAndEndsOnce_EveryStateOnTheLedger()
    {
        var fake = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        var body = TestGateway.Deploy(reference);

        var unproven = await gateway.PostAsync(body);
        Assert.Equal("428_PROOF_REQUIRED", unproven.Code);
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web", proof => proof with { Ref = reference })).Status);
        var deploy = await gateway.PostAsync(body, request => request.Headers.Add("Prefer", "wait=30"));

        Assert.Equal(HttpStatusCode.OK, deploy.Status);
        Assert.Equal("running", deploy.Json.GetProperty("run").GetProperty("state").GetString());
        var runId = deploy.Json.GetProperty("run").GetProperty("run_id").GetString()!;
        fake.Exit(runId, 7);
        var run = await gateway.RunInAsync(runId, "exited");
        Assert.Equal(7, run.GetProperty("exit_code").GetInt32());
        Assert.Equal("last line", run.GetProperty("log_tail")[0].GetString());
        var states = await gateway.PostAsync($$"""{"run_id":"{{runId}}"}""", path: "/v1/spans/query");
        Assert.Equal(
            ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"],
            states.Json.GetProperty("items").EnumerateArray().Select(span => span.Text("intent")));
        Assert.Equal("428_PROOF_REQUIRED", (await gateway.PostAsync(body)).Code);
    }

    [Fact]
    public async Task DeployThatFetchesItsImage_SaysHowFarItIs_BeforeItIsThere()
    {
        var fake = new FakeAdapter { BeforeCreate = spec => spec.Progress(new LogLine.Api.Runs.RunProgress(1 << 20, 4 << 20, "bytes")) };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web", proof => proof with { Ref = reference });

        var deploy = await gateway.PostAsync(TestGateway.Deploy(reference), request => request.Headers.Add("Prefer", "wait=30"));
        var states = await gateway.PostAsync($$"""{"run_id":"{{deploy.Json.Member("run").Text("run_id")}}"}""", path: "/v1/spans/query");

        Assert.Equal(
            ["deploy.apply", "deploy.planned", "run_state.pending", "run.progress", "deploy.applied", "run_state.running"],
            states.Json.Items("items").Select(span => span.Text("intent")));
        var said = states.Json.Items("items").ElementAt(3).Member("payload");
        Assert.Equal((1L << 20, 4L << 20, "bytes"), (said.Integer("done"), said.Integer("total"), said.Text("unit")));
    }

    [Fact]
    public async Task Receipt_VerifiesOffline()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ack = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{"name":"Joana","email":"j@example.com","country":"PT","consent":true}}""");
        var span = await gateway.GetAsync("/v1/spans/" + ack.Json.Text("this"));

        Assert.Null(Receipt.TryRead(ack.Json, out var receipt));
        Assert.Null(receipt.Verify(Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey), CanonicalJson.Parse(span.Body).Utf8.Span));
    }
}
