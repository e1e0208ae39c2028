using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Limits, plans, links, events, clean-up and followed output: the same on both engines.</summary>
public sealed class ChangePrimitiveTests
{
    // Without nerdctl: podman 4, which stands for it, has no --pids-limit for what runs.
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Container_IsLimitedMeasuredAndPlannedAnew(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var limits = await lab.DoAsync("container.resources", name, """{"memory":"64MiB","pids":40}""");
        Assert.Equal((64L << 20, 40L, provider == "docker"), (limits.Integer("memory_bytes"), limits.Integer("pids"), limits.Flag("persistent")));
        Assert.Equal(500, (await lab.DoAsync("container.resources", name, """{"cpus":"0.5"}""")).Integer("cpu_millis"));
        var usage = await lab.DoAsync("container.usage", name, """{"interval_ms":100}""");
        Assert.Equal(64L << 20, usage.Integer("memory_limit_bytes"));
        Assert.True(usage.Integer("memory_bytes") > 0);
        Assert.InRange(usage.Integer("interval_ms")!.Value, 100, long.MaxValue);

        var attach = await lab.DoAsync("container.volume.attach", name, """{"mount":{"type":"tmpfs","target":"/scratch"}}""");
        Assert.False(attach.Flag("applied"));
        Assert.Equal(["container.stop", "container.remove", "container.create", "container.start"], attach.Items("plan").Select(step => step.Text("intent")));
        Assert.Equal("/scratch", Assert.Single(attach.Items("plan").ElementAt(2).Member("change").Items("mounts")).Text("target"));
        Assert.Contains("PATH", attach.Texts("env"));
        Assert.Equal("not_found", await ReasonAsync(lab, "container.volume.detach", name, """{"path":"/scratch"}"""));
        var publish = await lab.DoAsync("port.publish", name, """{"container":8080}""");
        Assert.Equal(8080, Assert.Single(publish.Items("plan").ElementAt(2).Member("change").Items("ports")).Integer("container"));
        Assert.Equal("running", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
        Assert.NotEmpty((await lab.DoAsync("container.network", name)).Items("networks"));

        var events = await lab.DoAsync("system.events", null, """{"since":"10m","limit":1000}""");
        Assert.Equal(["create", "start"], events.Items("events").Where(one => one.Text("name") == name && one.Text("action") is "create" or "start").Select(one => one.Text("action")));
        Assert.True((await lab.DoAsync("system.metrics", null)).Member("containers").Integer("running") >= 1);

        // Podman calls it otherwise, and has it a moment later.
        await lab.DoAsync("container.kill", name);
        await Patience.UntilAsync("its end among the events", async () =>
            (await lab.DoAsync("system.events", null, """{"since":"10m","limit":1000}""")).Items("events").Any(one => one.Text("name") == name && one.Text("action") == "die"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Detach_IsPlannedWithWhatIsLeft(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","mounts":[{"type":"tmpfs","target":"/scratch"},{"type":"tmpfs","target":"/kept"}]}""");

        var detach = await lab.DoAsync("container.volume.detach", name, """{"path":"/scratch"}""");

        Assert.False(detach.Flag("applied"));
        var create = detach.Items("plan").Single(step => step.Text("intent") == "container.create");
        Assert.Equal(["/kept"], create.Member("change").Items("mounts").Select(mount => mount.Text("target")));
    }

    /// <summary>One that container.create makes in its place would end the deploy's run, and be in the way of the next: what is planned is a deploy, where there is a way.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ContainerOfADeploy_IsPlannedAsADeploy(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        await lab.Gateway.RegisterKeyAsync();
        var name = lab.Name();
        var first = await lab.Gateway.RunAsync(name, await lab.Gateway.ApplyAsync(name, 1), provider);

        var publish = await lab.DoAsync("port.publish", name, """{"container":8080}""");
        var attach = await lab.DoAsync("container.volume.attach", name, """{"mount":{"type":"tmpfs","target":"/scratch"}}""");

        Assert.Equal((false, "minicontainer.apply,deploy.apply"), (publish.Flag("applied"), string.Join(',', publish.Items("plan").Select(step => step.Text("intent")))));
        Assert.Empty(publish.Texts("env"));
        Assert.Equal((false, 0), (attach.Flag("applied"), attach.Items("plan").Count()));
        Assert.Contains("manifests have no mounts", attach.Text("reason"));

        // As it says, it works.
        var ports = publish.Items("plan").First().Member("change").Member("ports").GetRawText();
        var second = await lab.Gateway.RunAsync(name, await lab.Gateway.ApplyAsync(name, 2, $""","ports":{ports}"""), provider);
        await lab.Gateway.RunInAsync(first, "exited");
        Assert.Equal(8080, Assert.Single((await lab.Gateway.RunInAsync(second, "running")).Items("ports")).Integer("container"));

        // The way of a client's own container would not.
        await lab.DoAsync("container.remove", name, """{"force":true}""");
        Assert.Equal("container_gone", (await lab.Gateway.RunInAsync(second, "failed", "exited")).Text("reason"));
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");
        var refused = await lab.Gateway.ProvedAsync("deploy.apply", name, DeployActs.Order(await lab.Gateway.ApplyAsync(name, 3), name, provider));
        Assert.Equal("409_LIFECYCLE_CONFLICT", refused.Code);
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ContainersThatComeAndGo_DoNotHideWhatTheOthersUse(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        await lab.RunningAsync();
        using var enough = new CancellationTokenSource();
        async Task ComeAndGoAsync(int worker)
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                await lab.SendAsync("container.create", lab.Name($"x{worker}-{i}"), $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/true"],"strategy":"ephemeral","auto_start":true}""");
            }
        }
        var coming = Task.WhenAll(Enumerable.Range(0, 3).Select(ComeAndGoAsync));

        for (var look = 0; look < 8; look++)
        {
            Assert.True((await lab.DoAsync("system.metrics", null)).Integer("memory_bytes") > 0);
            Assert.True((await lab.DoAsync("system.info", null)).Integer("containers") > 0);
        }
        await enough.CancelAsync();
        await coming;
        await Patience.UntilAsync("none of them", async () => (await lab.DoAsync("container.list", null)).Items("containers").All(item => !item.Text("name")!.EndsWith(lab.Name(""), StringComparison.Ordinal) || item.Text("strategy") is null));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Link_OpensAPrivateNetworkOfTwo(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (server, client) = (await lab.RunningAsync("server"), await lab.RunningAsync("client"));
        var pair = $$"""{"from":"{{client}}","to":"{{server}}","port":8080}""";

        var link = await lab.DoAsync("network.establish", null, pair);
        await lab.DoAsync("network.establish", null, $$"""{"from":"{{server}}","to":"{{client}}"}""");
        var network = (await lab.DoAsync("network.topology", null)).Items("networks").Single(item => item.Text("name") == link.Text("network"));
        var address = network.Items("containers").Single(member => member.Text("name") == server).Text("address");

        Assert.False(link.Flag("enforced"));
        Assert.True(network.Flag("internal"));
        Assert.Equal(new[] { client, server }.Order(StringComparer.Ordinal), network.Items("containers").Select(member => member.Text("name")));
        Assert.Contains("hello", await lab.SaidAsync(client, "/bin/wget", "-q", "-O", "-", $"http://{address}:8080/"));
        Assert.True((await lab.DoAsync("network.sever", null, $$"""{"from":"{{client}}","to":"{{server}}"}""")).Flag("severed"));
        Assert.Equal("not_found", await ReasonAsync(lab, "network.sever", null, $$"""{"from":"{{client}}","to":"{{server}}"}"""));
        Assert.DoesNotContain(link.Text("network"), (await lab.DoAsync("network.topology", null)).Items("networks").Select(item => item.Text("name")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Prune_RemovesNothingThatWasNotPlanned(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (stopped, running) = (await lab.RunningAsync("stopped"), await lab.RunningAsync("running"));
        await lab.DoAsync("container.kill", stopped);

        var plan = await lab.DoAsync("system.prune", null);
        Assert.False(plan.Flag("applied"));
        Assert.Contains(stopped, plan.Items("plan").Select(item => item.Text("name")));
        Assert.DoesNotContain(running, plan.Items("plan").Select(item => item.Text("name")));
        await lab.DoAsync("container.kill", running);
        Assert.Equal("lifecycle_conflict", await ReasonAsync(lab, "system.prune", null, $$"""{"plan_digest":"{{plan.Text("plan_digest")}}"}"""));
        await lab.DoAsync("container.inspect", stopped);
    }

    [Theory]
    [InlineData("podman", "session"), InlineData("docker", "session"), InlineData("nerdctl", "session"), InlineData("podman", "task"), InlineData("docker", "task"), InlineData("nerdctl", "task")]
    public async Task SessionAndTask_TakeTheirOwnWithThem_AndOrphansGoWhenAsked(string provider, string kind)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (group, bound, kept, late) = (lab.Name(kind), lab.Name("bound"), lab.Name("kept"), lab.Name("late"));
        string Create(string strategy) => $$"""{"image":"{{PrimitiveLab.Image}}","strategy":"{{strategy}}","{{kind}}_id":"{{group}}"}""";
        var opened = await lab.Gateway.PostAsync(TestGateway.Json(new { intent = kind + ".create", subject = $"urn:{kind}:dev/{group}", payload = new { name = group, purpose = "a test" } }));
        Assert.True(opened.Status == HttpStatusCode.OK, opened.Body);
        await lab.DoAsync("container.create", bound, Create(kind));
        await lab.DoAsync("container.create", kept, Create("service"));

        var listed = (await lab.DoAsync(kind + ".list", null)).Items("groups").Single(listed => listed.Text("name") == group);
        Assert.Equal((false, $"{bound},{kept}"), (listed.Flag("ended"), string.Join(',', listed.Texts("containers"))));
        Assert.DoesNotContain(bound, (await lab.DoAsync("cleanup.plan", null)).Items("plan").Select(item => item.Text("name")));
        var ended = await lab.DoAsync(kind + ".end", group);
        Assert.Equal([bound], ended.Texts("removed"));
        Assert.Equal([kept], ended.Texts("kept"));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", bound)).Code);

        // What comes too late is an orphan: listed, there until somebody asks, then gone.
        await lab.DoAsync("container.create", late, Create(kind));
        var plan = await lab.DoAsync("cleanup.plan", null);
        Assert.Contains(late, plan.Items("plan").Select(item => item.Text("name")));
        Assert.DoesNotContain(kept, plan.Items("plan").Select(item => item.Text("name")));
        await lab.DoAsync("container.inspect", late);
        while (true)
        {
            // Other tests of this tenant may come and go in between: then the plan is another one, and is looked at again.
            var answer = await lab.SendAsync("cleanup.apply", null, $$"""{"plan_digest":"{{plan.Text("plan_digest")}}"}""");
            if (answer.Json.Member("result").Flag("applied") == true)
            {
                Assert.Contains(late, answer.Json.Member("result").Items("removed").Select(item => item.Text("name")));
                break;
            }
            Assert.Equal("lifecycle_conflict", answer.Json.Member("result").Text("reason"));
            plan = await lab.DoAsync("cleanup.plan", null);
        }
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", late)).Code);
    }

    /// <summary>Two who end one session at the same moment, or one who removes a container of it meanwhile, want the same.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SessionThatManyEndAtOnce_HasEndedForAll(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var group = lab.Name("session");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => lab.DoAsync("container.create", lab.Name("c" + i), $$"""{"image":"{{PrimitiveLab.Image}}","strategy":"session","session_id":"{{group}}","auto_start":true}""")));

        var removed = lab.SendAsync("container.remove", lab.Name("c0"), """{"force":true}""");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => lab.DoAsync("session.end", group)));
        var one = await removed;

        Assert.True(one.Code == "404_NOT_FOUND" || one.Json.Member("result").Flag("removed") == true || one.Json.Member("result").Text("reason") == "not_found", one.Body);
        Assert.Empty((await lab.DoAsync("container.list", null, $$"""{"session_id":"{{group}}"}""")).Items("containers"));
    }

    /// <summary>A container that goes with its session goes when its turn has come: the command that runs in it ends first.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SessionThatEndsAmidACommand_TakesItsContainerWhenThatHasEnded(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, new PatientTime(TurnWait));
        var (group, bound, command) = await BusySessionAsync(lab);

        var run = (await lab.SendAsync("session.end", group, wait: 0)).RunId();
        await lab.Gateway.RunInAsync(run, "running");
        for (var look = 0; look < 8; look++)
        {
            Assert.Equal("running", (await lab.DoAsync("container.inspect", bound)).Member("container").Text("state"));
        }
        await lab.ReleaseAsync(bound);

        Assert.Equal("done\n", (await lab.Gateway.RunInAsync(command, "exited")).Member("result").Text("stdout"));
        Assert.Equal([bound], (await lab.Gateway.RunInAsync(run, "exited")).Member("result").Texts("removed"));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", bound)).Code);
    }

    /// <summary>It is not waited for longer than for any other operation: the container stays then, as an orphan, and the answer names it.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SessionThatEndsAmidALongCommand_LeavesThatContainer_AndTakesTheOthers(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, new HastyTime(TurnWait));
        var (group, bound, command) = await BusySessionAsync(lab);
        var idle = lab.Name("idle");
        await lab.DoAsync("container.create", idle, $$"""{"image":"{{PrimitiveLab.Image}}","strategy":"session","session_id":"{{group}}"}""");

        var ended = await lab.SendAsync("session.end", group);

        Assert.Equal(("exited", "lifecycle_conflict"), (ended.Json.Member("run").Text("state"), ended.Json.Member("result").Text("reason")));
        Assert.Contains($"'{bound}' stays", ended.Json.Member("result").Text("error"));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", idle)).Code);
        await lab.ReleaseAsync(bound);
        Assert.Equal("done\n", (await lab.Gateway.RunInAsync(command, "exited")).Member("result").Text("stdout"));
        // The command's answer is there a moment before its turn is given back, for which nothing is waited here.
        Assert.Equal([bound], await Patience.UntilThereAsync("its end", async () => (await lab.DoAsync("session.end", group)).Texts("removed") is { Count: > 0 } removed ? removed : null));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Output_IsFollowedToItsEnd(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "trap 'echo last; exit 0' TERM; echo first; while :; do sleep 0.1; done");
        var run = (await lab.SendAsync("container.inspect", name)).Json.Member("run").Text("run_id");

        using var response = await lab.Gateway.Client.GetAsync($"/v1/runs/{run}/logs?follow=true", HttpCompletionOption.ResponseHeadersRead, PrimitiveLab.Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(PrimitiveLab.Cancel));
        var said = new List<string>();
        var stopping = Task.CompletedTask;
        while (await reader.ReadLineAsync(PrimitiveLab.Cancel) is { } line)
        {
            said.Add(line);
            if (line.Contains("first", StringComparison.Ordinal))
            {
                stopping = lab.DoAsync("container.stop", name);
            }
        }
        await stopping;
        var read = (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail=5&grep=la")).Json;

        Assert.Contains("""data: {"source":"stdout","line":"last"}""", said);
        Assert.Contains("event: end", said);
        Assert.Equal(["last"], read.Texts("lines"));
        Assert.Equal(["first", "last"], (await lab.DoAsync("container.logs", name, """{"follow":true,"follow_s":30}""")).Texts("lines"));
        Assert.Equal("404_NOT_FOUND", (await lab.Gateway.GetAsync("/v1/runs/run_0/logs")).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail=0")).Code);
        Assert.Equal("/follow", Assert.Single((await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?follow=yes")).Json.Items("errors")).Text("path"));
    }

    /// <summary>How long whoever removes many waits for the turns of their containers.</summary>
    private static readonly TimeSpan TurnWait = TimeSpan.FromSeconds(10);

    /// <summary>A session with one container, in which a command waits until it is released; and its run.</summary>
    private static async Task<(string Session, string Container, string Command)> BusySessionAsync(PrimitiveLab lab)
    {
        var (group, bound) = (lab.Name("session"), lab.Name("bound"));
        await lab.DoAsync("container.create", bound, $$"""{"image":"{{PrimitiveLab.Image}}","strategy":"session","session_id":"{{group}}","auto_start":true}""");
        var command = (await lab.SendAsync("container.exec", bound, """{"argv":["/bin/sh","-c","until [ -e /tmp/go ]; do sleep 0.02; done; echo done"],"timeout_s":600}""", wait: 0)).RunId();
        await lab.Gateway.RunInAsync(command, "running");
        return (group, bound, command);
    }

    private static async Task<string?> ReasonAsync(PrimitiveLab lab, string intent, string? name, string members = "{}")
    {
        var answer = await lab.SendAsync(intent, name, members);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Member("result").Text("reason");
    }
}
