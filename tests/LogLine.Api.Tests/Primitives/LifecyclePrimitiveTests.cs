using System.Net;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>The steps of a container's life as intents, from request to result: the same request gets the same answer on both engines.</summary>
public sealed class LifecyclePrimitiveTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task WholeLife_EachStepShowsWhereTheContainerStands(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();

        var created = await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","session_id":"s1","task_id":"t1","strategy":"session"}""");
        Assert.Equal(("created", name, PrimitiveLab.Image), (created.Text("state"), created.Text("name"), created.Text("image")));
        Assert.Equal((false, false), (created.Flag("exec_ready"), created.Flag("network_ready")));
        Assert.Equal(("session", "s1", "t1"), (created.Text("strategy"), created.Text("session_id"), created.Text("task_id")));
        Assert.StartsWith("sha256:", created.Text("image_digest"));
        var started = await lab.DoAsync("container.start", name);
        Assert.Equal(("running", true, true), (started.Text("state"), started.Flag("exec_ready"), started.Flag("network_ready")));
        Assert.Equal("paused", (await lab.DoAsync("container.pause", name)).Text("state"));
        Assert.Equal("running", (await lab.DoAsync("container.unpause", name)).Text("state"));
        // Not restarted at once: Docker hears of a freeze from its runtime a moment late, and may take what was thawed since for frozen again.
        var stopped = await lab.DoAsync("container.stop", name, """{"timeout_s":1}""");
        Assert.Equal("stopped", stopped.Text("state"));
        Assert.NotNull(stopped.Integer("exit_code"));
        Assert.Equal("running", (await lab.DoAsync("container.restart", name, """{"timeout_s":1}""")).Text("state"));
        Assert.Equal("running", (await lab.DoAsync("container.restart", name, """{"timeout_s":1}""")).Text("state"));
        Assert.Equal(137, (await lab.DoAsync("container.kill", name)).Integer("exit_code"));
        Assert.True((await lab.DoAsync("container.remove", name)).Flag("removed"));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.start", name)).Code);
        Assert.Equal("created", (await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""")).Text("state"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task IllegalStep_IsAConflictThatNamesTheLegalOnes(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");

        var refused = await lab.SendAsync("container.pause", name);

        Assert.Equal("409_LIFECYCLE_CONFLICT", refused.Code);
        var details = refused.Json.Member("details");
        Assert.Equal(("created", "pause"), (details.Text("from"), details.Text("operation")));
        Assert.Equal(["start", "connect", "remove", "remove with force"], details.Texts("legal"));
        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""")).Code);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RunningOrPaused_IsRemovedOnlyWithForce(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        await lab.DoAsync("container.pause", name);

        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.remove", name)).Code);
        Assert.True((await lab.DoAsync("container.remove", name, """{"force":true}""")).Flag("removed"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Paused_CanBeStoppedAndKilled(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        await lab.DoAsync("container.pause", name);
        Assert.Equal("stopped", (await lab.DoAsync("container.stop", name, """{"timeout_s":1}""")).Text("state"));
        await lab.DoAsync("container.start", name);
        await lab.DoAsync("container.pause", name);
        Assert.Equal(("stopped", 137), await StateAsync(lab.DoAsync("container.kill", name)));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SignalThatIsHandled_LeavesTheContainerRunning(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "trap 'touch /tmp/said' HUP; touch /tmp/ready; while :; do sleep 0.05; done");
        await lab.ExecAsync(name, "/bin/sh", "-c", "until test -f /tmp/ready; do sleep 0.02; done");

        Assert.Equal("running", (await lab.DoAsync("container.kill", name, """{"signal":"HUP"}""")).Text("state"));
        Assert.Equal(0, (await lab.ExecAsync(name, "/bin/sh", "-c", "until test -f /tmp/said; do sleep 0.02; done")).Integer("exit_code"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task CreatedWithEverything_TheContainerHasIt(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""
            {"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","60"],"env":{"GREETING":"olá $HOME; `id`"},"workdir":"/home","user":"1000:1000",
             "mounts":[{"type":"tmpfs","target":"/scratch"}],"ports":[{"container":8080}],"resources":{"memory":"64MiB","cpus":"0.5","pids":50},
             "security":{"read_only_rootfs":true,"cap_add":["NET_RAW","CHOWN"],"cap_drop":["CHOWN"]},"labels":{"team":"blue"},"auto_start":true}
            """);

        var seen = await lab.SaidAsync(name, "/bin/sh", "-c",
            "said=$(echo \"$GREETING\"; pwd; id -u; grep CapBnd /proc/self/status; touch /x 2>&1; touch /scratch/y && echo writable; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null); echo \"$said\"");

        var lines = seen.Split('\n');
        Assert.Equal(["olá $HOME; `id`", "/home", "1000", "CapBnd:\t0000000000002000"], lines[..4]);
        Assert.Contains("Read-only file system", lines[4]);
        Assert.Equal("writable", lines[5]);
        Assert.Equal("67108864", lines[6]);
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ReadOnlyRoot_WhatIsMountedWhereItIsWritable_IsThereInstead(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (volume, kept, memory) = (lab.Name("data"), lab.Name("kept"), lab.Name("memory"));
        await lab.DoAsync("volume.create", volume);
        await lab.DoAsync("container.create", kept, $$$"""{"image":"{{{PrimitiveLab.Image}}}","security":{"read_only_rootfs":true},"mounts":[{"type":"volume","source":"{{{volume}}}","target":"/var/tmp"}],"auto_start":true}""");
        await lab.DoAsync("container.create", memory, $$$"""{"image":"{{{PrimitiveLab.Image}}}","security":{"read_only_rootfs":true},"mounts":[{"type":"tmpfs","target":"/tmp/","read_only":true}],"auto_start":true}""");

        await lab.SucceedAsync(kept, "/bin/sh", "-c", "touch /var/tmp/x /tmp/x");
        Assert.NotEqual(0, (await lab.ExecAsync(memory, "/bin/touch", "/tmp/x")).Integer("exit_code"));
        await lab.DoAsync("container.remove", kept, """{"force":true}""");
        await lab.DoAsync("volume.remove", volume);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Ephemeral_IsGoneWhenItHasEnded(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","strategy":"ephemeral","auto_start":true}""");

        var restarted = (await lab.SendAsync("container.restart", name)).Json;
        Assert.Equal(("failed", "refused_by_engine"), (restarted.Member("run").Text("state"), restarted.Member("result").Text("reason")));
        Assert.Contains("is ephemeral", restarted.Member("result").Text("error"));
        Assert.Equal("stopped", (await lab.DoAsync("container.kill", name)).Text("state"));
        Answer? next;
        while ((next = await lab.SendAsync("container.start", name)).Code != "404_NOT_FOUND")
        {
            // Between its end and its removal the gate may see one that has ended; the worker finds it gone by then, or the engine does.
            Assert.True(next.Code == "409_LIFECYCLE_CONFLICT" || next.Json.Member("run").Text("state") == "failed", next.Body);
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageThatIsNowhere_FailsWithTheEnginesWords(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);

        var answer = await lab.SendAsync("container.create", lab.Name(), """{"image":"localhost/no-such-image:1"}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("failed", answer.Json.Member("run").Text("state"));
        Assert.Equal("image_not_found", answer.Json.Member("result").Text("reason"));
        Assert.Contains("no-such-image", answer.Json.Member("result").Text("error"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Committed_TheImageHasWhatWasWritten(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        await lab.SucceedAsync(name, "/bin/sh", "-c", "echo kept > /home/kept");

        var image = await lab.DoAsync("container.commit", name, $$"""{"image":"{{name}}:1"}""");

        Assert.Equal($"localhost/dev/{name}:1", image.Text("image"));
        Assert.StartsWith("sha256:", image.Text("image_id"));
        var copy = lab.Name("copy");
        await lab.DoAsync("container.create", copy, $$"""{"image":"localhost/dev/{{name}}:1","auto_start":true}""");
        Assert.Equal("kept\n", await lab.SaidAsync(copy, "/bin/cat", "/home/kept"));
        await lab.DoAsync("container.remove", copy, """{"force":true}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");
    }

    private static async Task<(string?, long?)> StateAsync(Task<JsonElement> result) => ((await result).Text("state"), (await result).Integer("exit_code"));
}
