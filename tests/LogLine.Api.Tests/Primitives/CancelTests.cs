using System.Diagnostics;
using System.Net;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Whatever a run is about, its tenant can end it: what takes long is broken off at the engine, and leaves nothing half made; what the engine is about to have done is told as done.</summary>
public sealed class CancelTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Pull_EndsAtTheEngine_AndCanBeBegunAgain(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        var image = await registry.PushedAsync(lab);
        var (asked, left, goesOn) = Holds(registry);

        var run = (await lab.SendAsync("image.pull", null, $$"""{"image":"{{image}}"}""", wait: 0)).RunId();
        await WithinAsync(asked);
        await CancelledAsync(lab, run, "urn:image:dev");
        await LeftAsync(provider, left);
        goesOn.SetResult();

        Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", $$"""{"image":"{{image}}"}"""));
        Assert.Equal(["/hello"], (await lab.DoAsync("image.pull", null, $$"""{"image":"{{image}}"}""")).Texts("argv"));
        await lab.Engine.UntagAsync(image, PrimitiveLab.Cancel);
    }

    /// <summary>A deploy that is still fetching its image.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Deploy_GivesItsImageUp(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        await lab.Gateway.RegisterKeyAsync();
        var (name, image) = (lab.Name("slow"), await registry.PushedAsync(lab));
        var (asked, left, goesOn) = Holds(registry);

        var reference = await lab.Gateway.ApplyAsync(name, lab.Gateway.Manifest($$"""{"image":"{{image}}"}"""));
        var run = (await lab.Gateway.ProvedAsync("deploy.apply", name, DeployActs.Order(reference, name, provider))).RunId();
        await WithinAsync(asked);
        await CancelledAsync(lab, run, $"urn:minicontainer:dev/{name}");
        await LeftAsync(provider, left);
        goesOn.SetResult();

        Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", $$"""{"image":"{{image}}"}"""));
    }

    /// <summary>
    /// Docker ends the command that the build is at. Podman lets it go on, begins no other, and takes what it worked in away when it has ended; nothing waits for that, neither the run nor the next build.
    /// </summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Build_EndsAtOnce_AndCanBeBegunAgain(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var variable = provider == "docker" ? "LOGLINE_TEST_DOCKER_COMMAND" : "LOGLINE_TEST_PODMAN_COMMAND";
        if (Environment.GetEnvironmentVariable(variable)?.Split(' ') is not { } client)
        {
            Assert.Skip($"{variable} names no command of the engine; tests/run does.");
            return;
        }
        var name = lab.Name("slow");
        await lab.DoAsync("image.tag", null, $$"""{"image":"{{PrimitiveLab.Image}}","tag":"{{name}}:base"}""");
        var run = (await lab.SendAsync("image.build", null, await OrderAsync($"RUN sleep 3600; echo {name}\nRUN echo never"), wait: 0)).RunId();
        using var command = await Patience.UntilThereAsync("the command", () => Task.FromResult(CommandWith(name)));
        try
        {
            await CancelledAsync(lab, run, "urn:image:dev");

            Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", $$"""{"image":"{{name}}:1"}"""));
            Assert.NotNull((await lab.DoAsync("image.build", null, await OrderAsync("RUN echo short"))).Text("image_id"));
            if (provider == "docker")
            {
                await Patience.UntilAsync("the end of the command", () => command.HasExited);
            }
        }
        finally
        {
            command.Kill();
        }
        await Patience.UntilAsync("an engine without what the build worked in", async () => await ContainersAsync(client, provider) is { } all && !all.Contains(name));
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:base"}""");

        async Task<string> OrderAsync(string steps) =>
            $$"""{"artifact":"{{await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", $"FROM localhost/dev/{name}:base\n{steps}")))}}","tag":"{{name}}:1"}""";
    }

    /// <summary>It hears that it is to end, and does not: it is killed when its time is over, though nobody waits for that any more.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Stop_GoesOnAtTheEngine(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await ListeningAsync(lab, "deaf", "trap 'echo heard' TERM; echo listening; while :; do sleep 0.05; done");

        var run = (await lab.SendAsync("container.stop", name, """{"timeout_s":20}""", wait: 0)).RunId();
        await HeardAsync(lab, name);
        await CancelledAsync(lab, run, $"urn:container:dev/{name}");

        await Patience.UntilAsync("its end", async () => (await FoundAsync(lab, name)).End?.ExitCode == 137);
        Assert.Equal("stopped", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
    }

    /// <summary>Its grace is long, and nobody has to wait for it: it is looked at as what it is, one that runs, and ended in another way.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StopThatGoesOn_StandsInNobodysWay(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        foreach (var (way, intent, members) in new[] { ("killed", "container.kill", "{}"), ("stopped", "container.stop", """{"timeout_s":0}"""), ("removed", "container.remove", """{"force":true}""") })
        {
            var name = await ListeningAsync(lab, way, "trap 'echo heard' TERM; echo listening; while :; do sleep 0.05; done");
            var run = (await lab.SendAsync("container.stop", name, """{"timeout_s":600}""", wait: 0)).RunId();
            await HeardAsync(lab, name);
            await CancelledAsync(lab, run, $"urn:container:dev/{name}");

            Assert.Equal("running", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
            Assert.Equal(["listening", "heard"], (await lab.DoAsync("container.logs", name)).Texts("lines"));
            Assert.NotNull((await lab.DoAsync("system.metrics", null)).Integer("memory_bytes")); // of which Podman says nothing
            await lab.DoAsync(intent, name, members);
            Assert.True(await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel) is not { } left || EngineQuirks.State(left.State.Status) == WorkloadState.Stopped);
        }
    }

    /// <summary>It ends only when the run has ended as cancelled, and lives anew all the same.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Restart_GoesOnAtTheEngine(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await ListeningAsync(lab, "slow", "trap 'echo heard; until [ -e /tmp/go ]; do sleep 0.05; done; exit 0' TERM; echo listening; while :; do sleep 0.05; done");
        var before = (await FoundAsync(lab, name)).StartedAt;

        var run = (await lab.SendAsync("container.restart", name, """{"timeout_s":300}""", wait: 0)).RunId();
        await HeardAsync(lab, name);
        await CancelledAsync(lab, run, $"urn:container:dev/{name}");
        await lab.ReleaseAsync(name);

        await Patience.UntilAsync("its next life", async () => await FoundAsync(lab, name) is { State: WorkloadState.Running } now && now.StartedAt != before);
    }

    /// <summary>A container whose script says "listening" once a signal does not end it any more.</summary>
    private static async Task<string> ListeningAsync(PrimitiveLab lab, string name, string script)
    {
        var full = await lab.RunningAsync(name, script);
        await SaidAsync(lab, full, "listening");
        return full;
    }

    private static Task HeardAsync(PrimitiveLab lab, string name) => SaidAsync(lab, name, "heard");

    private static Task SaidAsync(PrimitiveLab lab, string name, string word) => Patience.UntilAsync($"its word '{word}'", async () =>
        (await lab.Engine.LogLinesAsync(await ShownAsync(lab, name), 1, 1000, null, null, PrimitiveLab.Cancel)).Lines is [var last] && last == word);

    /// <summary>As the adapter sees it, which waits until an engine can show a container that begins or ends just now.</summary>
    private static async Task<Workload> FoundAsync(PrimitiveLab lab, string name) => (await lab.Adapter.FindByNameAsync("dev", name, PrimitiveLab.Cancel))!;

    private static async Task<ContainerDetail> ShownAsync(PrimitiveLab lab, string name) => (await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel))!;

    /// <summary>The process of a shell whose script has a word in it.</summary>
    private static Process? CommandWith(string word)
    {
        foreach (var process in Process.GetProcesses())
        {
            if (IsCommand(process.Id))
            {
                return process;
            }
            process.Dispose();
        }
        return null;

        bool IsCommand(int id)
        {
            try
            {
                return File.ReadAllText($"/proc/{id}/cmdline").Split('\0') is ["/bin/sh", "-c", var script, ..] && script.Contains(word, StringComparison.Ordinal);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false; // gone, or not ours to see
            }
        }
    }

    /// <summary>All that the engine has, with what builds work in, in the words of its own command; null when one went while it looked, at which Podman gives up.</summary>
    private static async Task<string?> ContainersAsync(string[] client, string provider)
    {
        string[] external = provider == "docker" ? [] : ["--external"];
        using var process = Process.Start(new ProcessStartInfo(client[0], [.. client[1..], "ps", "--all", "--no-trunc", .. external]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync(PrimitiveLab.Cancel);
        await process.WaitForExitAsync(PrimitiveLab.Cancel);
        return process.ExitCode == 0 ? said : null;
    }

    /// <summary>Whoever asks the registry for a layer waits until it goes on; the first two complete when somebody has asked, and when somebody who did is gone.</summary>
    private static (TaskCompletionSource Asked, TaskCompletionSource Left, TaskCompletionSource GoesOn) Holds(SmallRegistry registry)
    {
        var (asked, left, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        registry.AmidLayer = async gone =>
        {
            using var leaving = gone.Register(() => left.TrySetResult());
            asked.TrySetResult();
            await Task.WhenAny(goesOn.Task, Task.Delay(Timeout.Infinite, gone));
        };
        return (asked, left, goesOn);
    }

    /// <summary>Podman hangs up. Docker 20.10 keeps its connection to a registry that sends nothing, though nothing comes of it.</summary>
    private static Task LeftAsync(string provider, TaskCompletionSource left) => provider == "docker" ? Task.CompletedTask : WithinAsync(left);

    private static Task WithinAsync(TaskCompletionSource happened) => happened.Task.WaitAsync(TimeSpan.FromMinutes(2), PrimitiveLab.Cancel);

    private static async Task<string?> ReasonAsync(PrimitiveLab lab, string intent, string members) => (await lab.SendAsync(intent, null, members)).Json.Member("result").Text("reason");

    /// <summary>Cancels a run, which ends as cancelled, once.</summary>
    private static async Task CancelledAsync(PrimitiveLab lab, string run, string subject)
    {
        var asked = await lab.Gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"{{{subject}}}","payload":{"run_id":"{{{run}}}"}}""");
        Assert.True(asked.Status == HttpStatusCode.OK, asked.Body);
        var ended = await lab.Gateway.RunInAsync(run, "exited", "failed", "cancelled");
        Assert.Equal(("cancelled", "cancelled"), (ended.Text("state"), ended.Text("reason")));
        Assert.Equal("run_state.cancelled", Assert.Single(await lab.Gateway.StatesAsync(run), state => DeployActs.Ends.Contains(state)));
    }
}
