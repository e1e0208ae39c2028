using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Primitives;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>Health, replacement and the way back on real engines.</summary>
public sealed class EngineDeployTests
{
    private const string Serves = ""","entrypoint":["/bin/sh","-c","echo up; mkdir /tmp/www; echo hello >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"]""";

    private static string Script(string script) => $$""","entrypoint":["/bin/sh","-c",{{JsonSerializer.Serialize(script)}}]""";

    [Theory]
    [InlineData("podman", """{"http":{"port":8080,"path":"/hello"}}"""), InlineData("docker", """{"http":{"port":8080,"path":"/hello"}}""")]
    [InlineData("podman", """{"tcp":{"port":8080}}"""), InlineData("docker", """{"tcp":{"port":8080}}""")]
    [InlineData("podman", """{"exec":{"argv":["test","-e","/tmp/ready"]}}"""), InlineData("docker", """{"exec":{"argv":["test","-e","/tmp/ready"]}}""")]
    [InlineData("nerdctl", """{"exec":{"argv":["test","-e","/tmp/ready"]}}"""), InlineData("nerdctl", """{"tcp":{"port":8080}}""")]
    public async Task Healthy_OnlyThenRunning(string provider, string health)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        // It serves, and says that it is ready, only when a file is there, which the test makes.
        var deploy = Script("until [ -e /tmp/go ]; do sleep 0.02; done; mkdir /tmp/www; echo hi >/tmp/www/hello; touch /tmp/ready; exec httpd -f -p 8080 -h /tmp/www") + $$""","lifecycle":{"health":{{health.Insert(1, "\"start_period\":\"4m\",")}}}""";
        var run = (await DeployAsync(lab, name, await ApplyAsync(lab, name, 1, deploy))).RunId();
        await lab.Gateway.RunInAsync(run, "applied");
        await StartedAsync(lab, run);
        Assert.Equal("applied", (await lab.Gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));

        await lab.SucceedAsync(name, "touch", "/tmp/go");
        await lab.Gateway.RunInAsync(run, "running");
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NeverHealthy_FailsWithTheReasonAndTheLastLines_AndIsStopped(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var deploy = Script("echo warming up; exec sleep 600") + ""","lifecycle":{"health":{"exec":{"argv":["sh","-c","echo cold; exit 4"]},"interval":"50ms","retries":2,"start_period":"1ms"},"stop_timeout":"1s"}""";
        var run = await lab.Gateway.RunInAsync((await DeployAsync(lab, name, await ApplyAsync(lab, name, 1, deploy))).RunId(), "failed");

        Assert.Equal("unhealthy", run.Text("reason"));
        Assert.Contains("ended with 4: cold", run.Text("error"));
        Assert.Contains("warming up", run.Texts("log_tail"));
        Assert.Equal("stopped", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
    }

    /// <summary>However long a probe may take.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ProbeThatDoesNotAnswer_HoldsUpNoStartTimeout(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var deploy = Script("exec sleep 600") + ""","lifecycle":{"health":{"exec":{"argv":["sleep","3000"]},"timeout":"1h"},"start_timeout":"1s","stop_timeout":"1s"}""";
        var run = await lab.Gateway.RunInAsync((await DeployAsync(lab, name, await ApplyAsync(lab, name, 1, deploy))).RunId(), "failed");

        Assert.Equal("start_timeout", run.Text("reason"));
        Assert.Contains("did not end within 1 s", run.Text("error"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task DiesAtOnce_FailsAtOnceWithExitCodeAndLastLines(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var deploy = Script("echo no config; exit 3") + ""","lifecycle":{"health":{"tcp":{"port":8080},"start_period":"10m"}}""";
        var run = await lab.Gateway.RunInAsync((await DeployAsync(lab, name, await ApplyAsync(lab, name, 1, deploy))).RunId(), "failed");

        Assert.Equal(("exited_at_start", 3L, "no config"), (run.Text("reason"), run.Integer("exit_code")!.Value, run.Texts("log_tail").Single()));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Replaced_WithoutAGap_NewContainerHasTheName(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        const string Checked = Serves + ""","ports":[{"host":0,"container":8080}],"lifecycle":{"health":{"http":{"port":8080}},"stop_timeout":"1s"}""";
        var old = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Checked));
        var new_ = await RunningAsync(lab, name, await ApplyAsync(lab, name, 2, Checked));

        var ended = await lab.Gateway.RunInAsync(old, "exited");
        Assert.Equal(("replaced", new_), (ended.Text("reason"), ended.Text("replaced_by")));
        Assert.Contains("up", ended.Texts("log_tail"));
        // The new one was running before the old one ended: the service was never away.
        Assert.True(await IndexAsync(lab, name, new_, "run_state.running") < await IndexAsync(lab, name, old, "run_state.exited"));
        await SettledAsync(lab, name, new_);
        Assert.Equal("2", (await lab.SaidAsync(name, "sh", "-c", "echo $VERSION")).Trim());
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task FixedPort_ReplacedAfterAStop_AndBackWhenTheNewOneFails(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var port = FixedPort();
        var fixedPort = $$$""","ports":[{"host":{{{port}}},"container":8080}],"lifecycle":{"health":{"http":{"port":8080}},"stop_timeout":"1s"}""";

        var old = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Serves + fixedPort));
        var reference = await ApplyAsync(lab, name, 2, Serves + fixedPort);
        Assert.True((await lab.Gateway.PlanAsync(name, reference, lab.Provider)).Flag("gap"));
        var second = await RunningAsync(lab, name, reference);
        Assert.Equal("replaced", (await lab.Gateway.RunInAsync(old, "exited")).Text("reason"));
        await SettledAsync(lab, name, second);

        var broken = (await DeployAsync(lab, name, await ApplyAsync(lab, name, 3, Script("echo broken; exit 1") + fixedPort))).RunId();
        var failed = await lab.Gateway.RunInAsync(broken, "failed");
        Assert.Equal(("exited_at_start", second), (failed.Text("reason"), failed.Text("serving")));
        Assert.Equal("broken", failed.Texts("log_tail").Single());
        Assert.Equal("running", (await lab.Gateway.GetAsync("/v1/runs/" + second)).Json.Text("state"));
        await SettledAsync(lab, name, second);
        using var http = new HttpClient();
        await AnswersAsync(http, port);
    }

    /// <summary>What ends again and again is not there most of the time, and wants its port each time that it is.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task FixedPort_OfOneThatEndsAgainAndAgain_IsItsOwnInBetween(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var fixedPort = $$$""","ports":[{"host":{{{FixedPort()}}},"container":8080}]""";
        var old = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Script("until [ -e /tmp/fail ]; do sleep 0.02; done; exit 5") + fixedPort + ""","restart":{"policy":"always"}"""));
        await lab.TouchAsync(name, "fail");

        var reference = await ApplyAsync(lab, name, 2, Script("exec sleep 600") + fixedPort + ""","lifecycle":{"stop_timeout":"1s"}""");
        Assert.Equal("recreate", await Patience.UntilThereAsync("a plan between two lives", async () =>
            await lab.Gateway.PlanAsync(name, reference, lab.Provider) is var plan && plan.Member("current").Text("state") == "stopped" ? plan.Text("strategy") : null));
        await RunningAsync(lab, name, reference);
        Assert.Equal("replaced", (await lab.Gateway.RunInAsync(old, "exited")).Text("reason"));
    }

    /// <summary>Stopping thaws it, so that it is frozen anew.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task PausedOne_IsPausedAgain_WhenTheNewOneFails(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var port = FixedPort();
        var fixedPort = $$$""","ports":[{"host":{{{port}}},"container":8080}],"lifecycle":{"stop_timeout":"1s"}""";
        var old = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Serves + fixedPort));
        await lab.DoAsync("container.pause", name);
        var before = (await lab.Gateway.GetAsync("/v1/runs/" + old)).Json.Text("started_at");

        var broken = (await DeployAsync(lab, name, await ApplyAsync(lab, name, 2, Script("exit 1") + fixedPort.Replace("{\"stop", "{\"settle\":\"1h\",\"stop", StringComparison.Ordinal)))).RunId();
        var failed = await lab.Gateway.RunInAsync(broken, "failed");

        Assert.Equal(("exited_at_start", old, true), (failed.Text("reason"), failed.Text("serving"), failed.Flag("replaces_paused")));
        Assert.Equal("paused", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
        // Its run goes on, and says since when it lives.
        await Patience.UntilAsync("the new start", async () => (await lab.Gateway.GetAsync("/v1/runs/" + old)).Json is var run && run.Text("state") == "running" && run.Text("started_at") != before);
        await lab.DoAsync("container.unpause", name);
        using var http = new HttpClient();
        await AnswersAsync(http, port);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RestartOnFailure_StartsItAgain_UntilItEndsWell(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        // The file system outlives a restart: the first life fails, the second one ends well.
        var deploy = Script("if [ -e /tmp/again ]; then until [ -e /tmp/end ]; do sleep 0.02; done; exit 0; fi; touch /tmp/again; until [ -e /tmp/fail ]; do sleep 0.02; done; exit 5") + ""","restart":{"policy":"on_failure"}""";
        var run = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, deploy));
        await lab.TouchAsync(name, "fail");
        while ((await lab.Gateway.GetAsync("/v1/runs/" + run)).Json.Integer("restarts") is not 1)
        {
            await Task.Delay(50, PrimitiveLab.Cancel);
        }
        await lab.TouchAsync(name, "end");

        Assert.Equal(0, (await lab.Gateway.RunInAsync(run, "exited")).Integer("exit_code"));
        Assert.Equal(["run_state.running", "run_state.running", "run_state.exited"], (await lab.Gateway.StatesAsync(run)).TakeLast(3));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RestartAlways_StopsWhenAClientStopsIt(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Script("exec sleep 600") + ""","restart":{"policy":"always"}"""));
        await lab.DoAsync("container.stop", name, """{"timeout_s":1}""");

        Assert.Null((await lab.Gateway.RunInAsync(run, "exited")).Integer("restarts"));
    }

    /// <summary>The one that is replaced has the name until it has ended.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task AskedForRightAfterAReplacement_ItIsTheNewOnes(string provider)
    {
        await using var lab = await OpenAsync(provider, new SlowElapsedTime(10)); // the gate waits ten seconds for the name
        var name = lab.Name();
        // It does not hear the request to end, and is killed two seconds later.
        static string Version(int version) => Script($"trap '' TERM; echo {version} >/tmp/version; while :; do sleep 0.1; done") + ""","lifecycle":{"health":{"exec":{"argv":["test","-e","/tmp/version"]}},"stop_timeout":"2s"}""";
        await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Version(1)));
        await RunningAsync(lab, name, await ApplyAsync(lab, name, 2, Version(2)));

        Assert.Equal("2\n", await lab.SaidAsync(name, "cat", "/tmp/version"));
    }

    /// <summary>Docker chooses the port anew with each start.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RestartedByAClient_ItsRunGoesOn_AndSaysSinceWhenAndWhere(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Serves + ""","ports":[{"host":0,"container":8080}]"""));

        var container = await lab.DoAsync("container.restart", name, """{"timeout_s":0}""");
        var (since, port) = (container.Text("started_at"), container.Items("ports").Single().Integer("host"));
        await Patience.UntilAsync("the new start", async () => (await lab.Gateway.GetAsync("/v1/runs/" + run)).Json.Text("started_at") == since);

        var shown = (await lab.Gateway.GetAsync("/v1/runs/" + run)).Json;
        Assert.Equal(("running", port, null), (shown.Text("state"), shown.Items("ports").Single().Integer("host"), shown.Integer("restarts")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RemovedBehindOurBack_ItsRunEnds_AndNothingIsMadeAnew(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var reference = await ApplyAsync(lab, name, 1, Script("exec sleep 600") + ""","restart":{"policy":"always"}""");
        var run = await RunningAsync(lab, name, reference);

        await lab.Engine.RemoveAsync((await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel))!.Id, force: true, PrimitiveLab.Cancel);

        var ended = await lab.Gateway.RunInAsync(run, "exited", "failed");
        Assert.Equal(("exited", "container_gone", -1L), (ended.Text("state"), ended.Text("reason"), ended.Integer("exit_code")));
        Assert.Empty(await lab.Engine.ListAsync([(EngineLabels.Name, name)], PrimitiveLab.Cancel));
        Assert.NotEqual(run, await RunningAsync(lab, name, reference));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Applied_SaysWhichImageItIs_WhateverItsNameComesToMean(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Script("exec sleep 600")));

        var spans = (await lab.Gateway.PostAsync($$"""{"run_id":"{{run}}"}""", path: "/v1/spans/query")).Json.Items("items");
        var applied = Assert.Single(spans, span => span.Text("intent") == "deploy.applied").Member("payload");
        var image = await lab.DoAsync("image.inspect", null, $$"""{"image":"{{PrimitiveLab.Image}}"}""");

        Assert.Equal(image.Text("image_id"), applied.Text("image_digest"));
        Assert.Equal(image.Text("image_id"), (await lab.DoAsync("container.inspect", name)).Member("container").Text("image_digest"));
    }

    /// <summary>An image says what it likes in its labels; what a container is, the order for it alone says.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ContainerOfTheClient_IsNotReplaced_WhateverItsImageSays(string provider)
    {
        await using var lab = await OpenAsync(provider);
        await using var engine = EngineLab.Open(provider);
        var (name, source) = (lab.Name(), lab.Name("source"));
        var foreign = await engine.ForeignAsync(source, new() { [EngineLabels.Ref] = "mc:dev/web@blake3:00", [EngineLabels.Strategy] = "session", [EngineLabels.SessionId] = "s1" });
        await engine.CommitAsync(foreign, $"localhost/dev/{source}", "1");
        await lab.DoAsync("container.create", name, $$"""{"image":"localhost/dev/{{source}}:1","argv":["/bin/sleep","600"],"auto_start":true}""");

        var shown = (await lab.DoAsync("container.inspect", name)).Member("container");
        Assert.Equal((null, null), (shown.Text("strategy"), shown.Text("session_id")));
        var refused = await DeployAsync(lab, name, await ApplyAsync(lab, name, 1, Script("exec sleep 600")));
        Assert.Equal(("409_LIFECYCLE_CONFLICT", "running"), (refused.Code, refused.Detail("from")));
        await lab.DoAsync("container.remove", name, """{"force":true}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{source}}:1"}""");
    }

    /// <summary>As before any other operation on a container; a plan alone waits for nothing.</summary>
    [Fact]
    public async Task CommandInTheOldContainer_HoldsUpItsReplacement_AndIsNamed()
    {
        await using var lab = await OpenAsync("podman");
        var name = lab.Name();
        await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Script("exec sleep 600")));
        var next = await ApplyAsync(lab, name, 2, Script("exec sleep 600"));
        var command = await BeginAsync(lab, name);

        Assert.Equal("beside", (await lab.Gateway.PlanAsync(name, next, "podman")).Text("strategy"));
        var refused = await DeployAsync(lab, name, next);
        Assert.Equal(("409_LIFECYCLE_CONFLICT", command), (refused.Code, refused.Json.Member("details").Text("pending_run")));

        await lab.Gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:container:dev/{{{name}}}","payload":{"run_id":"{{{command}}}"}}""");
        await lab.Gateway.RunInAsync(command, "cancelled");
        await RunningAsync(lab, name, next);
    }

    /// <summary>It came in when the deploy was under way already: the new container is looked after all the same, and the old one goes.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task CommandInTheOldContainer_ThatCameLater_EndsWithIt(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var old = await RunningAsync(lab, name, await ApplyAsync(lab, name, 1, Script("exec sleep 600")));
        var health = ""","lifecycle":{"health":{"exec":{"argv":["test","-e","/tmp/go"]},"start_period":"4m"},"stop_timeout":"1s"}""";
        var next = (await DeployAsync(lab, name, await ApplyAsync(lab, name, 2, Script("until [ -e /tmp/end ]; do sleep 0.05; done; exit 7") + health))).RunId();
        await lab.Gateway.RunInAsync(next, "applied");
        var command = await BeginAsync(lab, name);
        var made = (await lab.Adapter.FindByRunAsync(next, PrimitiveLab.Cancel))!;
        await lab.TouchInAsync(made.Id, "go");

        Assert.Equal("replaced", (await lab.Gateway.RunInAsync(old, "exited")).Text("reason"));
        await lab.Gateway.RunInAsync(command, "exited");
        await lab.TouchInAsync(made.Id, "end");
        Assert.Equal(7, (await lab.Gateway.RunInAsync(next, "exited")).Integer("exit_code"));
    }

    /// <summary>The run of a command in the container, which runs.</summary>
    private static async Task<string> BeginAsync(PrimitiveLab lab, string name)
    {
        var command = (await lab.SendAsync("container.exec", name, """{"argv":["sleep","900"],"timeout_s":900}""", wait: 0)).RunId();
        await lab.Gateway.RunInAsync(command, "running");
        return command;
    }

    /// <summary>With that name a manifest pins what ran. An image that no registry gave has none.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageOfARegistry_IsRecordedUnderTheRegistrysDigest(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        await lab.Gateway.RegisterKeyAsync();
        var (name, image) = (lab.Name("pinned"), $"{registry.Host}/team/{lab.Name("pinned")}:1");
        await lab.DoAsync("image.push", null, $$"""{"image":"{{PrimitiveLab.Image}}","to":"{{image}}"}""");
        async Task<JsonElement> AppliedAsync(string run) => (await lab.Gateway.PostAsync($$"""{"run_id":"{{run}}","intent":"deploy.applied"}""", path: "/v1/spans/query")).Json.Items("items").Single().Member("payload");

        var (local, fetched) = (lab.Name("local"), await RunningAsync(lab, name, await lab.Gateway.ApplyAsync(name, 1, Script("exec sleep 600"), image)));
        var own = await RunningAsync(lab, local, await ApplyAsync(lab, local, 1, Script("exec sleep 600")));

        var pinned = (await AppliedAsync(fetched)).Texts("image_repo_digests").ToList();
        Assert.All(pinned, digest => Assert.StartsWith($"{registry.Host}/team/{name}@sha256:", digest));
        using var http = new HttpClient();
        var known = await Task.WhenAll(pinned.Select(async digest => (await http.GetAsync($"http://{registry.Host}/v2/team/{name}/manifests/{digest.Split('@')[1]}", PrimitiveLab.Cancel)).IsSuccessStatusCode));
        Assert.Contains(true, known);
        Assert.Equal(JsonValueKind.Undefined, (await AppliedAsync(own)).Member("image_repo_digests").ValueKind);
        await lab.Engine.UntagAsync(image, PrimitiveLab.Cancel);
    }

    private static async Task<PrimitiveLab> OpenAsync(string provider, TimeProvider? time = null)
    {
        var lab = await PrimitiveLab.OpenAsync(provider, time);
        await lab.Gateway.RegisterKeyAsync();
        return lab;
    }

    private static Task<string> ApplyAsync(PrimitiveLab lab, string name, int version, string more) => lab.Gateway.ApplyAsync(name, version, more, PrimitiveLab.Image);

    private static Task<Answer> DeployAsync(PrimitiveLab lab, string name, string reference) =>
        lab.Gateway.ProvedAsync("deploy.apply", name, DeployActs.Order(reference, name, lab.Provider));

    private static Task<string> RunningAsync(PrimitiveLab lab, string name, string reference) => lab.Gateway.RunAsync(name, reference, lab.Provider);

    private static Task StartedAsync(PrimitiveLab lab, string run) =>
        Patience.UntilAsync("its container", async () => await lab.Engine.ListAsync([(EngineLabels.RunId, run)], PrimitiveLab.Cancel) is [{ State: "running" }]);

    /// <summary>The run's container alone is left of the service, and has its name.</summary>
    private static Task SettledAsync(PrimitiveLab lab, string name, string run) => Patience.UntilAsync("its container alone", async () =>
    {
        var left = await lab.Engine.ListAsync([(EngineLabels.Tenant, TestGateway.Tenant), (EngineLabels.Name, name)], PrimitiveLab.Cancel);
        return left is [{ Labels: { } labels }] && labels[EngineLabels.RunId] == run && await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel) is { } detail && detail.Id == left[0].Id;
    });

    /// <summary>A free port that no connection is given by chance: below those that the system hands out.</summary>
    /// <summary>A port of the host that nobody has.</summary>
    internal static int FixedPort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody's: another one.
            }
        }
    }

    private static async Task AnswersAsync(HttpClient http, long port)
    {
        for (var tries = 2400; ; tries--)
        {
            try
            {
                await http.GetAsync($"http://127.0.0.1:{port}/", PrimitiveLab.Cancel);
                return;
            }
            catch (HttpRequestException) when (tries > 0)
            {
                await Task.Delay(25, PrimitiveLab.Cancel);
            }
        }
    }

    private static async Task<int> IndexAsync(PrimitiveLab lab, string name, string run, string intent)
    {
        var spans = await lab.Gateway.PostAsync($$"""{"subject":"urn:minicontainer:dev/{{name}}","limit":1000}""", path: "/v1/spans/query");
        return spans.Json.Items("items").ToList().FindIndex(span => span.Text("intent") == intent && span.Member("payload").Text("run_id") == run);
    }
}
