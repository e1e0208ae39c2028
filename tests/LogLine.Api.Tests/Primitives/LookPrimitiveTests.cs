using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Primitives;

/// <summary>What can be seen of containers and engines, the same on both.</summary>
public sealed class LookPrimitiveTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task List_ShowsTheTenantsOwnAndFilters(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (one, two) = (lab.Name("one"), lab.Name("two"));
        await lab.DoAsync("container.create", one, $$"""{"image":"{{PrimitiveLab.Image}}","session_id":"{{one}}","labels":{"team":"{{one}}"},"ports":[{"container":8080}],"auto_start":true}""");
        await lab.DoAsync("container.create", two, $$"""{"image":"{{PrimitiveLab.Image}}","task_id":"{{two}}"}""");

        // Other tests have containers of this tenant as well, and some of them two of one name for a moment.
        var all = (await lab.DoAsync("container.list", null)).Items("containers").Where(item => item.Text("name") == one || item.Text("name") == two).ToDictionary(item => item.Text("name")!);
        Assert.Equal(("running", PrimitiveLab.Image, one), (all[one].Text("state"), all[one].Text("image"), all[one].Text("session_id")));
        Assert.Equal($$"""{"team":"{{one}}"}""", all[one].Member("labels").GetRawText());
        Assert.Equal(8080, Assert.Single(all[one].Items("ports")).Integer("container"));
        Assert.True(Timestamps.TryParse(all[one].Text("created_at"), out _));
        Assert.Equal("created", all[two].Text("state"));
        foreach (var (filter, expected) in new[] { ($$"""{"session_id":"{{one}}"}""", one), ($$"""{"task_id":"{{two}}"}""", two), ($$"""{"labels":{"team":"{{one}}"} }""", one) })
        {
            Assert.Equal([expected], (await lab.DoAsync("container.list", null, filter)).Items("containers").Select(item => item.Text("name")));
        }
        Assert.DoesNotContain(two, (await lab.DoAsync("container.list", null, """{"state":"running"}""")).Items("containers").Select(item => item.Text("name")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Inspect_ShowsHowItWasMadeWithoutValuesOfVariables(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""
            {"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","60"],"env":{"TOKEN":"hunter2-is-secret"},"workdir":"/home","user":"1000",
             "mounts":[{"type":"tmpfs","target":"/scratch"}],"resources":{"memory":"64MiB","cpus":"0.5","pids":50},
             "security":{"read_only_rootfs":true,"cap_add":["NET_RAW"]},"labels":{"team":"blue"} }
            """);

        var seen = await lab.DoAsync("container.inspect", name);

        Assert.Equal(["/bin/sleep", "60"], seen.Texts("argv"));
        Assert.Contains("TOKEN", seen.Texts("env"));
        Assert.Equal(("/home", "1000"), (seen.Text("workdir"), seen.Text("user")));
        Assert.Contains("/scratch", seen.Items("mounts").Select(mount => mount.Text("target")));
        Assert.Equal("""{"memory_bytes":67108864,"cpu_millis":500,"pids":50}""", seen.Member("resources").GetRawText());
        Assert.Equal((true, false), (seen.Member("security").Flag("read_only_rootfs"), seen.Member("security").Flag("privileged")));
        Assert.Equal(["NET_RAW"], seen.Member("security").Texts("cap_add"));
        Assert.Equal("""{"team":"blue"}""", seen.Member("labels").GetRawText());
        Assert.Equal("created", seen.Member("container").Text("state"));
        Assert.DoesNotContain("hunter2", seen.GetRawText());
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Logs_AreTheLastLinesThatMatch(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "for i in $(seq 30); do echo line $i; done; echo oops >&2; sleep 100");
        await EventuallyAsync(async () => (await lab.DoAsync("container.logs", name, """{"grep":"oops"}""")).Texts("lines").Count == 1);

        var tail = await lab.DoAsync("container.logs", name, """{"tail":3,"grep":"line"}""");
        var matching = await lab.DoAsync("container.logs", name, """{"grep":"line 3"}""");

        Assert.Equal(["line 28", "line 29", "line 30"], tail.Texts("lines"));
        Assert.Equal((27, false), (tail.Integer("dropped"), tail.Flag("truncated")));
        Assert.Equal(["line 3", "line 30"], matching.Texts("lines"));
        Assert.Empty((await lab.DoAsync("container.logs", name, """{"grep":"l.ne"}""")).Texts("lines"));
        Assert.Empty((await lab.DoAsync("container.logs", name, """{"since":"2090-01-01T00:00:00Z"}""")).Texts("lines"));
        Assert.Equal(31, (await lab.DoAsync("container.logs", name, """{"since":"1969-12-31T23:59:59.5Z"}""")).Texts("lines").Count);
        Assert.Equal(31, (await lab.DoAsync("container.logs", name, """{"since":"1h"}""")).Texts("lines").Count);
    }

    /// <summary>As without following: the last lines are those that match, however much came behind them.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task FollowedByText_BeginsWithTheLastLinesThatMatch(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "for i in 1 2 3; do echo line $i; done; seq 200; until [ -e /tmp/go ]; do sleep 0.02; done; echo noise; echo line 4");
        await EventuallyAsync(async () => (await lab.DoAsync("container.logs", name, """{"grep":"200"}""")).Texts("lines").Count == 1);
        var run = (await lab.SendAsync("container.inspect", name)).Json.Member("run").Text("run_id");

        using var response = await lab.Gateway.Client.GetAsync($"/v1/runs/{run}/logs?tail=2&grep=line+&follow=true", HttpCompletionOption.ResponseHeadersRead, PrimitiveLab.Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(PrimitiveLab.Cancel));
        var said = new List<string>();
        while (await reader.ReadLineAsync(PrimitiveLab.Cancel) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonDocument.Parse(line["data: ".Length..]).RootElement.Text("line") is { } text)
            {
                said.Add(text);
                if (said.Count == 2)
                {
                    await lab.ReleaseAsync(name);
                }
            }
        }

        Assert.Equal(["line 2", "line 3", "line 4"], said);
        Assert.Equal(said, (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail=3&grep=line+")).Json.Texts("lines"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Followed_IsWhatWasAskedFor_AsWhenItIsNot(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "for i in 1 2 3; do echo old $i; done; until [ -e /tmp/go ]; do sleep 0.02; done; for i in 1 2 3; do echo new $i; done");
        await EventuallyAsync(async () => (await lab.DoAsync("container.logs", name, """{"tail":1}""")).Texts("lines") is ["old 3"]);
        var since = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
        await lab.ReleaseAsync(name);

        var fresh = await lab.DoAsync("container.logs", name, $$"""{"follow":true,"since":"{{since}}"}""");
        var matching = await lab.DoAsync("container.logs", name, """{"follow":true,"tail":2,"grep":"old"}""");
        var last = await lab.DoAsync("container.logs", name, """{"follow":true,"tail":2}""");

        if (provider != "nerdctl") // podman's command line, which stands for it, follows from the beginning whatever it is told
        {
            Assert.Equal(["new 1", "new 2", "new 3"], fresh.Texts("lines"));
        }
        Assert.Equal(["old 2", "old 3"], matching.Texts("lines"));
        Assert.Equal(["new 2", "new 3"], last.Texts("lines"));
    }

    /// <summary>Engines count the last lines by the parts in which they were written: a line of parts, and one that is longer than what an engine writes at once, are one line all the same.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task LastLines_AreWholeAndCounted_FollowedOrNot(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sh","-c","echo one; printf par; sleep 0.2; echo ts; head -c 40000 /dev/zero | tr '\\0' x; echo; echo four"],"auto_start":true}""");
        var run = (await lab.SendAsync("container.inspect", name)).Json.Member("run").Text("run_id");
        string[] said = ["one", "parts", new string('x', 40_000), "four"];
        await EventuallyAsync(async () => (await lab.DoAsync("container.inspect", name)).Member("container").Text("state") == "stopped");

        for (var tail = 1; tail <= said.Length; tail++)
        {
            var looked = await lab.DoAsync("container.logs", name, $$"""{"tail":{{tail}}}""");
            Assert.Equal(said[^tail..], looked.Texts("lines"));
            Assert.Equal(said.Length - tail, looked.Integer("dropped"));
            Assert.Equal(said[^tail..], (await lab.DoAsync("container.logs", name, $$"""{"tail":{{tail}},"follow":true}""")).Texts("lines"));
            var read = (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail={tail}")).Json;
            Assert.Equal(said[^tail..], read.Texts("lines"));
            Assert.Equal(said.Length - tail, read.Integer("dropped"));
            var followed = (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail={tail}&follow=true")).Body;
            Assert.Equal(said[^tail..].Select(line => $$"""data: {"source":"stdout","line":"{{line}}"}"""), followed.Split('\n').Where(line => line.Contains("\"line\"", StringComparison.Ordinal)));
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task LongOutput_IsCutToWhatAResultHolds(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync(script: "seq 100000 111999; echo end; sleep 100");
        await EventuallyAsync(async () => (await lab.DoAsync("container.logs", name, """{"tail":1}""")).Texts("lines") is ["end"]);

        var logs = await lab.DoAsync("container.logs", name, """{"tail":10000}""");
        var wide = await lab.RunningAsync("wide", "for i in $(seq 300); do head -c 1000 /dev/zero | tr '\\0' x; echo $i; done; echo end; sleep 100");
        await EventuallyAsync(async () => (await lab.DoAsync("container.logs", wide, """{"tail":1}""")).Texts("lines") is ["end"]);
        var cut = await lab.DoAsync("container.logs", wide, """{"tail":10000}""");

        Assert.Equal(10000, logs.Texts("lines").Count);
        Assert.True(cut.Flag("truncated"));
        Assert.True(JsonSerializer.SerializeToUtf8Bytes(cut).Length <= 256 * 1024);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StatsTopAndDiff_ShowARunningContainer(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","7654"],"resources":{"memory":"64MiB"},"auto_start":true}""");
        await lab.SucceedAsync(name, "/bin/sh", "-c", "echo x > /home/new; rm /www/index.html");

        var stats = await lab.DoAsync("container.stats", name);
        var processes = (await lab.DoAsync("container.top", name)).Items("processes").ToList();
        var changes = (await lab.DoAsync("container.diff", name)).Items("changes").ToDictionary(change => change.Text("path")!, change => change.Text("kind"));

        Assert.True(stats.Integer("cpu_usage_ns") > 0);
        Assert.InRange(stats.Integer("memory_bytes")!.Value, 1, 64 << 20);
        Assert.Equal(64 << 20, stats.Integer("memory_limit_bytes"));
        Assert.Contains("/bin/sleep 7654", processes.Select(process => process.Text("command")));
        Assert.All(processes, process => Assert.True(process.Integer("pid") > 0));
        Assert.Equal(("added", "deleted"), (changes["/home/new"], changes["/www/index.html"]));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NotRunning_HasNoStatsAndNoProcesses(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");

        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.stats", name)).Code);
        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.top", name)).Code);
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", lab.Name("none"))).Code);
        Assert.DoesNotContain((await lab.DoAsync("container.diff", name)).Items("changes"), change => change.Text("kind") != "modified");
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SystemInfo_SaysWhatTheEngineIs(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);

        var info = await lab.DoAsync("system.info", null);

        Assert.Equal(provider, info.Text("provider"));
        Assert.Matches(@"^\d+\.\d+", info.Text("version"));
        if (provider == "nerdctl")
        {
            Assert.Null(info.Text("api_version")); // a command line speaks no version of the Engine API
        }
        else
        {
            Assert.Matches(@"^1\.\d+$", info.Text("api_version"));
        }
        Assert.True(info.Integer("cpus") > 0 && info.Integer("memory_bytes") > 0);
    }

    private static Task EventuallyAsync(Func<Task<bool>> holds) => Patience.UntilAsync("the output", holds);
}
