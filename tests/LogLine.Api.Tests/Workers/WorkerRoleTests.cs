using System.Net;
using System.Text.Json;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Workers;

/// <summary>Gateway and worker as two processes, on a real engine that the worker alone can reach.</summary>
public sealed class WorkerRoleTests
{
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Deploy_IsCarriedOutByTheWorker_AndSignedByIt(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync("""["/bin/sh","-c","echo said; exec sleep 600"]""");
        await lab.StateAsync(run, "run_state.running");

        var printed = (await lab.DoAsync("container.exec", """{"argv":["sh","-c","echo out; echo err >&2; exit 3"]}""")).Member("result");
        Assert.Equal(("out\n", "err\n", 3L), (printed.Text("stdout"), printed.Text("stderr"), printed.Integer("exit_code")));
        await Patience.UntilAsync("what it says", async () => await lab.Client.GetStringAsync($"/v1/runs/{run}/logs", RoleLab.Cancel) == """{"lines":["said"],"dropped":0}""");

        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.Null(await lab.ContainerAsync());
        await AssertSignedByWorkerAsync(lab, run);
        Assert.Null(Audits.Fault(lab.GatewayFolder)); // whoever verifies the whole log finds the worker's keys and what it said
        Assert.False(File.Exists(Path.Combine(lab.GatewayFolder, "keys", "runner.key")));
        Assert.False(File.Exists(Path.Combine(lab.WorkerFolder("edge"), "ledger.db")));
        Assert.False(File.Exists(Path.Combine(lab.WorkerFolder("edge"), "keys", "span.key")));
    }

    [Fact]
    public async Task FollowedLog_ComesWhileItIsSaid_AndEndsWithTheContainer()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync("""["/bin/sh","-c","echo first; until [ -e /tmp/go ]; do sleep 0.02; done; echo second; exit 0"]""");
        await lab.StateAsync(run, "run_state.running");
        using var stream = new StreamReader(await lab.Client.GetStreamAsync($"/v1/runs/{run}/logs?follow=true", RoleLab.Cancel));
        await UntilAsync(stream, "first");
        await lab.DoAsync("container.exec", """{"argv":["touch","/tmp/go"]}""");
        await UntilAsync(stream, "second");
        await UntilAsync(stream, "event: end");
    }

    [Fact]
    public async Task Auto_IsTheEngineThatTheWorkerHas()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var created = await lab.PostAsync(TestGateway.Json(new
        {
            intent = "container.create", subject = $"urn:container:dev/{lab.Service}",
            payload = new { name = lab.Service, target = new { provider = "auto" }, image = Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE") },
        }), wait: 50);
        Assert.Equal("exited", created.Member("run").Text("state"));
        Assert.Equal(lab.Provider, (await lab.RunAsync(created.Member("run").Text("run_id")!)).Member("target").Text("provider"));
        Assert.NotNull(await lab.ContainerAsync());
    }

    /// <summary>The gateway knows its name; where it is, one worker alone, which has nothing else. It is a Docker here, so that nothing of the default engine's is in it.</summary>
    [Fact]
    public async Task NamedEngine_IsServedByTheWorkerThatHasIt_AndTheDefaultOneByTheOther()
    {
        string[] named = ["--LogLine:Engines:Named:0:Name=far", "--LogLine:Engines:Named:0:Provider=podman"];
        await using var docker = EngineLab.Open("docker");
        await using var lab = await RoleLab.OpenAsync("podman", gatewaySettings: named);
        await lab.StartWorkerAsync("near");
        lab.WorkerSettings = [.. named, "--LogLine:Engines:Named:0:Address=" + Environment.GetEnvironmentVariable("LOGLINE_TEST_DOCKER"), "--LogLine:Engines:Defaults=false"];
        var (process, _) = await lab.StartWorkerAsync("far");
        await lab.ServedAsync(process, "podman/far");
        async Task<string?> WorkerOfAsync(string intent, object target, string members = "{}")
        {
            var payload = JsonSerializer.Deserialize<Dictionary<string, object>>(members)!;
            (payload["name"], payload["target"]) = (lab.Service, target);
            var answer = await lab.PostAsync(TestGateway.Json(new { intent, subject = $"urn:container:dev/{lab.Service}", payload }), wait: 50);
            Assert.True(answer.Member("run").Text("state") == "exited", $"{answer}\n{lab.Output}");
            return (await lab.SpansAsync(answer.Member("run").Text("run_id")!)).Single(span => span.Text("intent") == "run_state.pending").Member("payload").Text("worker");
        }
        var (near, far, order) = (new { provider = "podman" }, new { provider = "podman", endpoint = "far" }, $$"""{"image":"{{EngineLab.TestImage}}"}""");

        Assert.Equal("far", await WorkerOfAsync("container.create", far, order));
        Assert.NotNull(await docker.Adapter.FindByNameAsync("dev", lab.Service, RoleLab.Cancel));
        Assert.Null(await lab.ContainerAsync());
        Assert.Equal("near", await WorkerOfAsync("container.create", near, order));
        Assert.NotNull(await lab.ContainerAsync());
        Assert.Equal("far", await WorkerOfAsync("container.remove", far));
        Assert.Null(await docker.Adapter.FindByNameAsync("dev", lab.Service, RoleLab.Cancel));
        Assert.NotNull(await lab.ContainerAsync());
    }

    [Fact]
    public async Task Artifacts_GoToTheWorkerAndComeBack()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        var copied = (await lab.DoAsync("container.copy_from", """{"path":"/etc"}""")).Member("result");
        Assert.True(copied.Integer("bytes") > 0, copied.ToString());
        var put = await lab.DoAsync("container.copy_to", $$"""{"path":"/tmp","artifact":"{{copied.Text("artifact")}}"}""");
        Assert.Equal("exited", put.Member("run").Text("state"));
        Assert.True(put.Member("result").Integer("entries") > 0, put.ToString());
    }

    [Fact]
    public async Task WithoutAWorker_TheTargetIsDown_AndItsLifecycleIsTheEnginesAsSoonAsThereIsOne()
    {
        await using var lab = await RoleLab.OpenAsync();
        var exec = TestGatewayJson(lab, "container.start");
        Assert.Equal("503_ADAPTER_UNAVAILABLE", (await lab.WriteAsync("/v1/spans", exec)).Text("code"));
        await lab.StartWorkerAsync("edge");
        Assert.Equal("404_NOT_FOUND", (await lab.WriteAsync("/v1/spans", exec)).Text("code"));
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        var refused = await lab.WriteAsync("/v1/spans", exec);
        Assert.Equal(("409_LIFECYCLE_CONFLICT", "running"), (refused.Text("code"), refused.Member("details").Text("from")));
    }

    private static string TestGatewayJson(RoleLab lab, string intent) => TestGateway.Json(new
    {
        intent, subject = $"urn:container:dev/{lab.Service}", payload = new { name = lab.Service, target = new { provider = lab.Provider } },
    });

    /// <summary>Every state verifies under the key that the gateway names as the worker's, as an event and as nothing else.</summary>
    private static async Task AssertSignedByWorkerAsync(RoleLab lab, string run)
    {
        using var keys = JsonDocument.Parse(await lab.Client.GetStringAsync("/v1/keys", RoleLab.Cancel));
        var key = keys.RootElement.Items("keys").Single(one => one.Text("use") == "worker");
        Assert.Contains(keys.RootElement.Items("keys"), one => one.Text("use") == "runner");
        DomainSignature.TryDecodePublicKey(key.Text("public_key"), out var publicKey);
        var spans = (await lab.SpansAsync(run)).Where(span => span.Text("intent") is var intent && (intent!.StartsWith("run_state.", StringComparison.Ordinal) || intent == "deploy.applied")).ToList();
        Assert.Equal(["run_state.pending", "deploy.applied", "run_state.running", "run_state.cancelled"], spans.Select(span => span.Text("intent")));
        foreach (var item in spans)
        {
            var span = SpanDocument.View(CanonicalJson.Parse(item.GetRawText()));
            Assert.Equal(key.Text("kid"), span.Signature.Text("kid"));
            Assert.True(span.VerifySignature(publicKey, SignatureKind.Event));
            Assert.False(span.VerifySignature(publicKey));
        }
    }

    private static async Task UntilAsync(StreamReader stream, string text)
    {
        while (await stream.ReadLineAsync(RoleLab.Cancel) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }
        Assert.Fail($"The stream ended before '{text}'.");
    }
}
