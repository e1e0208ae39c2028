using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>The contract of <see cref="IRunAdapter"/>, kept by both engines: from creation to removal.</summary>
public sealed class EngineLifecycleTests
{
    static CancellationToken Cancel => EngineLab.Cancel;

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task EngineIsThere_StatusSaysWhereAndWhich(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var status = await lab.Adapter.StatusAsync(Cancel);
        Assert.True(status.Available, status.Reason);
        Assert.StartsWith(provider == "nerdctl" ? "podman" : "unix:///", status.Endpoint);
        Assert.Matches(@"^\d+\.\d+", status.Version);
        Assert.Null(status.Reason);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Created_IsNotStarted(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        var created = await lab.Adapter.CreateAsync(spec, Cancel);
        Assert.Equal(WorkloadState.Created, created.State);
        Assert.Equal((spec.Tenant, spec.Name, spec.RunId), (created.Tenant, created.Name, created.RunId));
        Assert.StartsWith("sha256:", created.ImageDigest);
        Assert.Null(created.StartedAt);
        Assert.Null(created.End);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StartedWithPort_AnswersHttpOnThePortThatTheEngineChose(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec() with { Ports = [new(0, 8080)] });
        Assert.Equal(WorkloadState.Running, started.State);
        Assert.NotNull(started.StartedAt);
        var port = Assert.Single(started.Ports);
        Assert.Equal(8080, port.Container);
        Assert.InRange(port.Host, 1, 65535);
        Assert.Contains("hello", await GetAsync(port.Host));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StartedTwice_StaysAsItIs(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var first = await lab.StartedAsync(lab.Spec());
        var second = await lab.Adapter.StartAsync(first.Id, Cancel);
        Assert.Equal(WorkloadState.Running, second.State);
        Assert.Equal(first.StartedAt, second.StartedAt);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task EndedAndStarted_DoesNotRunASecondTime(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell("echo once")));
        var end = await lab.Adapter.WaitAsync(started.Id, Cancel);
        Assert.Equal(end, (await lab.Adapter.StartAsync(started.Id, Cancel)).End);
        Assert.Equal(["once"], (await lab.Adapter.LogTailAsync(started.Id, 10, 1000, Cancel)).Lines);
    }

    [Fact]
    public async Task PodmanBehindDockerHost_IsDrivenAsPodman()
    {
        await using var lab = EngineLab.Open("podman", foundAs: "docker");
        var started = await lab.StartedAsync(lab.Spec() with { Ports = [new(0, 8080)] });
        Assert.Contains("hello", await GetAsync(Assert.Single(started.Ports).Host));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task HostPortHeldByAnother_StartSaysPortTaken(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var first = await lab.StartedAsync(lab.Spec() with { Ports = [new(0, 8080)] });
        var spec = lab.Spec() with { Name = "second", Ports = [new(first.Ports[0].Host, 8080)] };
        await EngineLab.RefusedAsync(AdapterFailure.PortTaken, () => lab.StartedAsync(spec));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task EndsByItself_WaitHasTheExitCode(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell("exit 7")));
        var end = await lab.Adapter.WaitAsync(started.Id, Cancel);
        Assert.Equal(7, end.ExitCode);
        Assert.False(end.OomKilled);
        Assert.NotNull(end.EndedAt);
        Assert.Equal(end, await lab.Adapter.WaitAsync(started.Id, Cancel));
        Assert.Equal(end, (await lab.Adapter.FindByRunAsync(started.RunId, Cancel))?.End);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NotStartedYet_WaitGoesOnUntilItHasRunAndEnded(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var created = await lab.Adapter.CreateAsync(lab.Spec(EngineLab.Shell("exit 3")), Cancel);
        var wait = lab.Adapter.WaitAsync(created.Id, Cancel);
        await lab.Adapter.StartAsync(created.Id, Cancel);
        Assert.Equal(3, (await wait).ExitCode);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StoppedAndObeys_EndsWithinTheGrace(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")));
        await SaysAsync(lab, started.Id, "ready");
        await lab.Adapter.StopAsync(started.Id, TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal(5, (await lab.Adapter.WaitAsync(started.Id, Cancel)).ExitCode);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task StoppedAndIgnoresIt_IsKilledAfterTheGrace(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")));
        await SaysAsync(lab, started.Id, "ready");
        var since = TimeProvider.System.GetTimestamp();
        await lab.Adapter.StopAsync(started.Id, TimeSpan.FromSeconds(1), Cancel);
        Assert.True(TimeProvider.System.GetElapsedTime(since) >= TimeSpan.FromSeconds(0.9));
        Assert.Equal(137, (await lab.Adapter.WaitAsync(started.Id, Cancel)).ExitCode);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task PausedAndStopped_Ends(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec());
        await lab.PauseAsync(started.Id);
        Assert.Equal(WorkloadState.Paused, (await lab.Adapter.FindByRunAsync(started.RunId, Cancel))?.State);
        await lab.Adapter.StopAsync(started.Id, TimeSpan.FromSeconds(1), Cancel);
        Assert.Equal(WorkloadState.Stopped, (await lab.Adapter.FindByRunAsync(started.RunId, Cancel))?.State);
    }

    /// <summary>Somebody froze it on purpose: it is not sick, and is not to be started again for that.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Paused_NothingIsKnownOfItsHealth(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec());
        await lab.PauseAsync(started.Id);

        await EngineLab.RefusedAsync(AdapterFailure.Conflict, () => lab.Adapter.ProbeAsync(started.Id, new HealthCheck { Argv = ["true"] }, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task EndedAndStopped_StaysAsItIs(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec(EngineLab.Shell("exit 4")));
        var end = await lab.Adapter.WaitAsync(started.Id, Cancel);
        await lab.Adapter.StopAsync(started.Id, TimeSpan.FromSeconds(1), Cancel);
        Assert.Equal(end, await lab.Adapter.WaitAsync(started.Id, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RunningAndRemoved_OnlyWithForce(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec());
        await EngineLab.RefusedAsync(AdapterFailure.Refused, () => lab.Adapter.RemoveAsync(started.Id, force: false, Cancel));
        await lab.Adapter.RemoveAsync(started.Id, force: true, Cancel);
        Assert.Null(await lab.Adapter.FindByRunAsync(started.RunId, Cancel));
        await lab.Adapter.RemoveAsync(started.Id, force: false, Cancel);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RemovedBehindOurBack_WaitSaysThatItIsGoneOrWasKilled(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var started = await lab.StartedAsync(lab.Spec());
        var wait = lab.Adapter.WaitAsync(started.Id, Cancel);
        await lab.Client.RemoveAsync(started.Id, force: true, Cancel);
        try
        {
            // The engine kills it before it removes it, and may be seen in between.
            Assert.Equal(137, (await wait).ExitCode);
        }
        catch (AdapterException gone)
        {
            Assert.Equal(AdapterFailure.NotFound, gone.Failure);
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task UnknownId_IsNotFound(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var id = new string('0', 64);
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.StartAsync(id, Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.WaitAsync(id, Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.StopAsync(id, TimeSpan.Zero, Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.LogTailAsync(id, 1, 1, Cancel));
        await lab.Adapter.RemoveAsync(id, force: false, Cancel);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ExecutableMissing_EndsAtOnceWithFailure(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        // With an init as process 1 the engine starts the init, which ends with a code of its own choice (tini 127, catatonit 1).
        var started = await lab.StartedAsync(lab.Spec("/no/such/program"));
        Assert.NotEqual(0, (await lab.Adapter.WaitAsync(started.Id, Cancel)).ExitCode);
    }

    static Task SaysAsync(EngineLab lab, string id, string line) => Patience.UntilAsync($"'{line}'", async () => (await lab.Adapter.LogTailAsync(id, 10, 1000, Cancel)).Lines.Contains(line));

    /// <summary>The container's server needs a moment after the container has started; asked again until it answers or the test is cancelled.</summary>
    static async Task<string> GetAsync(int port)
    {
        using var http = new HttpClient();
        for (var tries = 2400; ; tries--)
        {
            try
            {
                return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/"), Cancel);
            }
            catch (HttpRequestException) when (tries > 0)
            {
                await Task.Delay(25, Cancel);
            }
        }
    }
}
