using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Telemetry;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Workers;

/// <summary>A worker that is told to stop (SIGTERM), and what it says of itself until then.</summary>
public sealed class WorkerStopTests
{
    private const int NeverByItself = 600; // seconds that a lease lasts here: what is free sooner was given back

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Stopped_FinishesItsCommand_AndGivesBackWhatItWatches(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: NeverByItself);
        lab.WorkerSettings = ["--LogLine:Runner:DrainSeconds=300"];
        var (one, _) = await lab.StartWorkerAsync("one");
        var address = lab.WorkerAddress;
        var run = await lab.DeployAsync("""["/bin/sh","-c","exec sleep 600"]""");
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id")!;
        var exec = await BeginAsync(lab, run, "until [ -e /tmp/go ]; do sleep 0.05; done; echo ended");

        RoleLab.Stop(one);
        await HealthAsync(address, "draining", HttpStatusCode.ServiceUnavailable);
        Assert.False(one.HasExited);
        await lab.ReleaseAsync(container);
        var ended = await lab.StateAsync(exec, "run_state.exited");
        Assert.Equal((0L, "ended\n"), (ended.Integer("exit_code"), ended.Member("result").Text("stdout")));
        await one.WaitForExitAsync(RoleLab.Cancel);
        Assert.Equal(0, one.ExitCode);
        Assert.Contains("given back 1 runs, 0 of them commands", lab.Output, StringComparison.Ordinal);

        await lab.StartWorkerAsync("two");
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.Null(await lab.ContainerAsync());
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Stopped_WhenItsTimeIsOver_GivesTheCommandBackToo(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: NeverByItself);
        lab.WorkerSettings = ["--LogLine:Runner:DrainSeconds=0"];
        var (one, _) = await lab.StartWorkerAsync("one");
        var run = await lab.DeployAsync("""["/bin/sh","-c","exec sleep 600"]""");
        await lab.StateAsync(run, "run_state.running");
        var exec = await BeginAsync(lab, run, "sleep 600");

        RoleLab.Stop(one);
        await one.WaitForExitAsync(RoleLab.Cancel);
        Assert.Equal(0, one.ExitCode);
        Assert.Contains("given back 2 runs, 1 of them commands", lab.Output, StringComparison.Ordinal);
        await lab.StartWorkerAsync("two");
        Assert.Equal("worker_lost", (await lab.StateAsync(exec, "run_state.exited")).Text("reason"));
    }

    /// <summary>No gateway answers when its command ends: what that brought is said as soon as one does, before the worker goes.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Stopped_WhileNoGatewayAnswers_SaysWhatItsCommandBrought(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: NeverByItself);
        lab.WorkerSettings = ["--LogLine:Runner:DrainSeconds=300"];
        var (one, wire) = await lab.StartWorkerAsync("one");
        var exec = await EndedUnsaidAsync(lab, "one", wire);

        RoleLab.Stop(one);
        await HealthAsync(lab.WorkerAddress, "draining", HttpStatusCode.ServiceUnavailable);
        wire.Mend();

        await AssertSaidAsync(lab, exec);
        await one.WaitForExitAsync(RoleLab.Cancel);
        Assert.Equal(0, one.ExitCode);
        Assert.Empty(Unsaid(lab, "one"));
    }

    /// <summary>No gateway answers until the worker is gone, told to go or killed: it has kept what its command brought, and says it when it is started again.</summary>
    [Theory, InlineData("podman", false), InlineData("podman", true), InlineData("docker", false), InlineData("docker", true)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Gone_WhileNoGatewayAnswers_SaysAtItsNextStartWhatItsCommandBrought(string provider, bool isKilled)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: NeverByItself);
        lab.WorkerSettings = ["--LogLine:Runner:DrainSeconds=0"];
        var (one, wire) = await lab.StartWorkerAsync("one");
        var exec = await EndedUnsaidAsync(lab, "one", wire);

        (isKilled ? RoleLab.Kill : (Action<Process>)RoleLab.Stop)(one);
        await one.WaitForExitAsync(RoleLab.Cancel);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(Unsaid(lab, "one"))));
        wire.Mend();
        await lab.StartWorkerAsync("one", wire);

        await AssertSaidAsync(lab, exec);
        await Patience.UntilAsync("nothing unsaid", () => Unsaid(lab, "one").Count == 0);
    }

    [Fact]
    public async Task Worker_SaysHowItIs_AndWhatItMeasures()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        var health = await HealthAsync(lab.WorkerAddress, "ready", HttpStatusCode.OK);
        Assert.Equal(("edge", true), (health.Text("worker"), health.Member("engines").Member("podman").Flag("available")));
        Assert.Contains("nowhere", health.Member("engines").Member("docker").Text("reason"));

        using var client = new HttpClient { BaseAddress = lab.WorkerAddress };
        var text = await client.GetStringAsync("/metrics", RoleLab.Cancel);
        var metrics = MetricFamily.Read(text);
        Assert.Equal(1, metrics["logline_worker_runs"].Value());
        Assert.InRange(metrics["logline_worker_gateway_silence_seconds"].Value(), 0, 60);
        Assert.Equal(1, metrics["logline_adapter_call_duration_seconds"].Value(("provider", "podman"), ("operation", "create a container"), ("outcome", "ok")));
        await Promtool.AssertContentAsync(text, "check", "metrics");
    }

    /// <summary>A command that has ended while the wire was cut.</summary>
    private static async Task<string> EndedUnsaidAsync(RoleLab lab, string worker, Wire wire)
    {
        var run = await lab.DeployAsync("""["/bin/sh","-c","exec sleep 600"]""");
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id")!;
        var exec = await BeginAsync(lab, run, "until [ -e /tmp/go ]; do sleep 0.05; done; echo ended; exit 7");
        wire.Cut();
        await lab.ReleaseAsync(container);
        await Patience.UntilAsync("its end, kept", () => Unsaid(lab, worker).Count == 1);
        return exec;
    }

    private static List<string> Unsaid(RoleLab lab, string worker) =>
        [.. new DirectoryInfo(Path.Combine(lab.WorkerFolder(worker), "unsaid")) is { Exists: true } folder ? folder.GetFiles("run_*").Where(file => file.Extension == "").Select(file => file.FullName) : []];

    private static async Task AssertSaidAsync(RoleLab lab, string exec)
    {
        var ended = await lab.StateAsync(exec, "run_state.exited");
        Assert.Equal((null, 7L, "ended\n"), (ended.Text("reason"), ended.Integer("exit_code"), ended.Member("result").Text("stdout")));
        Assert.Equal(["container.exec", "run_state.pending", "run_state.running", "run_state.exited"], await lab.StatesAsync(exec));
    }

    /// <summary>Begins a command in the container of a run. That its run is <c>running</c> is on the ledger before the worker hears so, and begins it.</summary>
    private static async Task<string> BeginAsync(RoleLab lab, string run, string script)
    {
        var begun = await lab.DoAsync("container.exec", $$"""{"argv":["sh","-c",{{JsonSerializer.Serialize("echo begun > /proc/1/fd/1; " + script)}}],"timeout_s":500}""", wait: 0);
        await Patience.UntilAsync("the command's beginning", async () => (await lab.Client.GetStringAsync($"/v1/runs/{run}/logs", RoleLab.Cancel)).Contains("begun", StringComparison.Ordinal));
        return begun.Member("run").Text("run_id")!;
    }

    private static async Task<JsonElement> HealthAsync(Uri worker, string status, HttpStatusCode code)
    {
        using var client = new HttpClient { BaseAddress = worker };
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            using var answer = await client.GetAsync("/healthz/ready", RoleLab.Cancel);
            var said = await answer.Content.ReadFromJsonAsync<JsonElement>(RoleLab.Cancel);
            if (said.Text("status") == status)
            {
                Assert.Equal(code, answer.StatusCode);
                return said;
            }
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromMinutes(2), said.ToString());
            await Task.Delay(20, RoleLab.Cancel);
        }
    }
}
