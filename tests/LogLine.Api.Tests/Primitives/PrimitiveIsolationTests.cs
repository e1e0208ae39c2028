using System.Net;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Whose a container is, and one operation on it at a time.</summary>
public sealed class PrimitiveIsolationTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ForeignOrUnlabelledContainer_DoesNotExist(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        await using var engine = EngineLab.Open(provider);
        var name = lab.Name();
        var unlabelled = await engine.ForeignAsync($"dev-{name}", []);
        var other = lab.Name("other");
        var foreign = await engine.ForeignAsync($"dev-{other}", new() { [EngineLabels.Tenant] = "dev-x", [EngineLabels.Name] = other, [EngineLabels.RunId] = "run_1" });

        foreach (var intent in new[] { "container.start", "container.remove", "container.kill", "container.pause" })
        {
            Assert.Equal("404_NOT_FOUND", (await lab.SendAsync(intent, name)).Code);
            Assert.Equal("404_NOT_FOUND", (await lab.SendAsync(intent, other)).Code);
        }
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.exec", unlabelled[..63], """{"argv":["id"]}""")).Code);
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.exec", foreign[..12], """{"argv":["id"]}""")).Code);
        var taken = await lab.SendAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");
        Assert.Equal("name_taken", taken.Json.Member("result").Text("reason"));
        Assert.NotNull(await lab.Engine.InspectAsync(unlabelled, PrimitiveLab.Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SecondOperation_WaitsForTheFirst(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, new SlowElapsedTime(10)); // the gate waits ten seconds for its turn
        var name = await lab.RunningAsync();

        var exec = lab.SendAsync("container.exec", name, """{"argv":["/bin/sh","-c","until [ -e /tmp/go ]; do sleep 0.02; done; sleep 1; date +%s%N > /tmp/first"]}""");
        await RunningAsync(lab, name, "container.exec");
        var second = lab.DoAsync("container.exec", name, """{"argv":["/bin/cat","/tmp/first"]}""");
        await lab.ReleaseAsync(name);

        Assert.Equal(HttpStatusCode.OK, (await exec).Status);
        Assert.Equal(0, (await second).Integer("exit_code"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task FirstOperationTakesTooLong_ConflictNamesItsRunAndCancelEndsIt(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var exec = lab.SendAsync("container.exec", name, """{"argv":["/bin/sleep","300"],"timeout_s":400}""");
        var runId = await RunningAsync(lab, name, "container.exec");

        var refused = await Task.WhenAll(lab.SendAsync("container.pause", name), lab.SendAsync("container.stop", name));

        Assert.All(refused, answer => Assert.Equal(("409_LIFECYCLE_CONFLICT", runId), (answer.Code, answer.Json.Member("details").Text("pending_run"))));
        var cancel = await lab.Gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:container:dev/{{{name}}}","payload":{"run_id":"{{{runId}}}"}}""");
        Assert.True(cancel.Status == HttpStatusCode.OK, cancel.Body);
        Assert.Equal("cancelled", (await exec).Json.Member("run").Text("state"));
        var left = await lab.ExecAsync(name, "/bin/sh", "-c", "grep -l '^.bin.sleep.300' /proc/[0-9]*/cmdline | grep .");
        Assert.Equal((1, ""), (left.Integer("exit_code"), left.Text("stdout")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task TwoClientsRace_ExactlyOneCreates(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => lab.SendAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""")));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.OK), answer => Assert.Equal("409_LIFECYCLE_CONFLICT", answer.Code));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ManyClientsRace_EachStepIsTakenOnce(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","600"]}""");
        foreach (var (intent, members) in new[] { ("container.start", "{}"), ("container.pause", "{}"), ("container.unpause", "{}"), ("container.stop", """{"timeout_s":0}"""), ("container.remove", "{}") })
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => lab.SendAsync(intent, name, members)));

            var done = answers.Where(answer => answer.Status == HttpStatusCode.OK && answer.Json.Member("run").Text("state") == "exited").ToList();
            Assert.True(done.Count == 1, $"{intent}: {string.Join("\n", answers.Select(answer => answer.Body))}");
            Assert.All(answers.Except(done), answer => Assert.Contains(answer.Status == HttpStatusCode.OK ? answer.Json.Member("result").Text("reason") : answer.Code,
                new[] { "409_LIFECYCLE_CONFLICT", "404_NOT_FOUND", "lifecycle_conflict", "not_found" }));
        }
    }

    /// <summary>Docker gives one name to several networks that are made at the same moment, and then nobody can use any of them.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ManyClientsRace_OneNetworkOneVolumeOneLink(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name("shared");
        foreach (var (make, remove) in new[] { ("network.create", "network.remove"), ("volume.create", "volume.remove") })
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => lab.SendAsync(make, name)));

            Assert.Single(answers, answer => answer.Json.Member("run").Text("state") == "exited");
            Assert.Equal(7, answers.Count(answer => answer.Json.Member("result").Text("reason") == "name_taken"));
            await lab.DoAsync(remove, name);
        }
        var (one, two) = (await lab.RunningAsync("one"), await lab.RunningAsync("two"));
        foreach (var (from, to) in new[] { (one, two), (two, one) })
        {
            var linked = await Task.WhenAll(lab.SendAsync("network.establish", null, $$"""{"from":"{{one}}","to":"{{two}}","port":80}"""), lab.SendAsync("network.establish", null, $$"""{"from":"{{to}}","to":"{{from}}","port":80}"""));
            Assert.All(linked, answer => Assert.True(answer.Json.Member("run").Text("state") == "exited", answer.Body));
            await lab.DoAsync("network.sever", null, $$"""{"from":"{{one}}","to":"{{two}}"}""");
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RemovedBehindOurBack_ACommandInItEnds_AndItDoesNotExist(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var exec = lab.SendAsync("container.exec", name, """{"argv":["/bin/sleep","300"],"timeout_s":400}""");
        await RunningAsync(lab, name, "container.exec");

        await lab.Engine.RemoveAsync((await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel))!.Id, force: true, PrimitiveLab.Cancel);

        var ended = (await exec).Json;
        Assert.True(ended.Member("run").Text("state") == "exited" && ended.Member("run").Integer("exit_code") is not 0, ended.ToString());
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.exec", name, """{"argv":["id"]}""")).Code);
    }

    [Fact]
    public async Task TwoStepsInOneArray_AreJudgedEachOnItsOwn()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);
        var stop = """{"intent":"container.stop","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web"}}""";

        var answer = await gateway.PostAsync($"[{stop},{stop}]");

        Assert.All(answer.Json.EnumerateArray(), item => Assert.Equal("404_NOT_FOUND", item.Member("problem").Text("code")));
    }

    /// <summary>One that is refused is no reason to leave the others.</summary>
    [Fact]
    public async Task ContainersInOneArray_AreJudgedEachOnItsOwn()
    {
        await using var lab = await PrimitiveLab.OpenAsync("podman");
        var (runs, other) = (await lab.RunningAsync("runs"), lab.Name("other"));
        await lab.DoAsync("container.create", other, $$"""{"image":"{{PrimitiveLab.Image}}"}""");
        string Pause(string name) => $$"""{"intent":"container.pause","subject":"urn:container:dev/{{name}}","payload":{"target":{"provider":"podman"},"name":"{{name}}"} }""";

        var answer = await lab.Gateway.PostAsync($"[{Pause(other)},{Pause(runs)},{Pause(lab.Name("none"))}]");

        Assert.Equal(["409_LIFECYCLE_CONFLICT", null, "404_NOT_FOUND"], answer.Json.EnumerateArray().Select(item => item.Member("problem").Text("code")));
        await lab.Gateway.RunInAsync(answer.Json[1].Member("run").Text("run_id")!, "exited");
        Assert.Equal("paused", (await lab.DoAsync("container.inspect", runs)).Member("container").Text("state"));
    }

    [Theory]
    [InlineData("container.stop", "urn:container:dev/web", """{"target":{"provider":"fake"},"name":"web"}""")]
    [InlineData("deploy.plan", "urn:minicontainer:dev/web", """{"target":{"provider":"fake","service":"web"},"ref":"REF"}""")]
    public async Task ContainerBetweenTwoStates_IsAConflict_NotADefect(string intent, string subject, string payload)
    {
        var fake = new FakeAdapter { Look = _ => throw new AdapterException(AdapterFailure.Conflict, "The container is still 'stopping' after 10 s") };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");

        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{{payload.Replace("REF", reference)}}}""");

        Assert.Equal(("409_LIFECYCLE_CONFLICT", "changing"), (answer.Code, answer.Detail("from")));
        Assert.Contains("'stopping'", answer.Json.Text("detail"));
    }

    [Fact]
    public async Task Turns_AreTakenOneAtATimePerContainer()
    {
        var turns = new WorkloadTurns();
        var first = await turns.TakeAsync("p", "t", "web", PrimitiveLab.Cancel);
        var second = turns.TakeAsync("p", "t", "web", PrimitiveLab.Cancel);
        using var elsewhere = await turns.TakeAsync("p", "t", "api", PrimitiveLab.Cancel);

        Assert.False(second.IsCompleted);
        first.Dispose();
        first.Dispose();
        (await second).Dispose();
        using var third = await turns.TakeAsync("p", "t", "web", PrimitiveLab.Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turns.TakeAsync("p", "t", "web", new CancellationToken(canceled: true)));
    }

    private static Task<string> RunningAsync(PrimitiveLab lab, string name, string intent) => Patience.UntilThereAsync($"a running {intent}", async () =>
    {
        var runs = await lab.Gateway.GetAsync($"/v1/runs?subject=urn:container:dev/{name}");
        return runs.Json.Items("items").FirstOrDefault(run => run.Text("intent") == intent && run.Text("state") == "running").Text("run_id");
    });
}
