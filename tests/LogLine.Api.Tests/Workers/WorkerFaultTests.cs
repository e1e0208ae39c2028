using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Workers;

/// <summary>Workers and gateways are killed with <c>kill -9</c>, and the wire between them is cut, while a real container runs: the run goes on, nothing is started twice, and it ends once.</summary>
public sealed class WorkerFaultTests(PostgresCluster cluster)
{
    private const string SlowStart = """["/bin/sh","-c","sleep 1; touch /tmp/ready; exec sleep 600"]""";
    private const string Health = """{"health":{"exec":{"argv":["test","-e","/tmp/ready"]}},"stop_timeout":"1s"}""";

    private static readonly string[] Begun = ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"];

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task KilledWorker_StartedAgain_GoesOnWithWhatItHad(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        var (worker, wire) = await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync(SlowStart, Health);
        var container = (await lab.StateAsync(run, "deploy.applied")).Text("container_id");
        RoleLab.Kill(worker);
        (worker, _) = await lab.StartWorkerAsync("edge", wire);
        Assert.Equal(container, (await lab.StateAsync(run, "run_state.running")).Text("container_id"));
        Assert.Equal(container, (await lab.ContainerAsync())!.Id);

        // Killed once more, and the container ends while nobody watches.
        RoleLab.Kill(worker);
        await lab.Engine.StopAsync(container!, TimeSpan.Zero, RoleLab.Cancel);
        await lab.StartWorkerAsync("edge", wire);
        var ended = await lab.StateAsync(run, "run_state.exited");
        Assert.Contains(ended.Integer("exit_code"), new long?[] { 137, 143 }); // Docker asks with SIGTERM before it kills
        Assert.Equal([.. Begun, "run_state.exited"], await lab.StatesAsync(run));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task KilledWorker_IsReplacedByAnother_OnceItsLeaseHasRunOut(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: 2);
        var (one, _) = await lab.StartWorkerAsync("one");
        // It is healthy when the test says so, and the first one is gone by then.
        var run = await lab.DeployAsync(lifecycle: """{"health":{"exec":{"argv":["test","-e","/tmp/go"]},"start_period":"4m"},"stop_timeout":"1s"}""");
        var begun = await lab.StateAsync(run, "deploy.applied");
        RoleLab.Kill(one);
        await lab.ReleaseAsync(begun.Text("container_id")!);
        await lab.StartWorkerAsync("two");
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id");
        await lab.Engine.StopAsync(container!, TimeSpan.Zero, RoleLab.Cancel);
        await lab.StateAsync(run, "run_state.exited");
        Assert.Equal([.. Begun, "run_state.exited"], await lab.StatesAsync(run));
        var signers = await SignersAsync(lab, run);
        Assert.Equal(signers["deploy.applied"], signers["run_state.pending"]);
        Assert.NotEqual(signers["deploy.applied"], signers["run_state.running"]);
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task KilledGateway_StartedAgainElsewhere_HasItsWorkerAndItsRuns(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync(SlowStart, Health);
        await lab.StateAsync(run, "deploy.applied");
        RoleLab.Kill(lab.Gateway);
        await lab.StartGatewayAsync();
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id");

        // It ends while there is no gateway to tell.
        RoleLab.Kill(lab.Gateway);
        await lab.Engine.StopAsync(container!, TimeSpan.Zero, RoleLab.Cancel);
        await lab.StartGatewayAsync();
        await lab.StateAsync(run, "run_state.exited");
        Assert.Equal([.. Begun, "run_state.exited"], await lab.StatesAsync(run));
        Assert.Single(await SignersOfAllAsync(lab, run));
    }

    /// <summary>The gateway's span key is replaced under a worker: what the log key has endorsed is believed, and nobody has to touch the worker.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task GatewayWithANewSpanKey_GoesOnWithItsWorker(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        var pinned = await File.ReadAllTextAsync(Path.Combine(lab.WorkerFolder("edge"), "gateway.pin"), RoleLab.Cancel);
        RoleLab.Kill(lab.Gateway);
        await lab.RotateAsync("span");
        await lab.StartGatewayAsync();
        await lab.ServedAsync();
        Assert.Equal("0", (await lab.DoAsync("container.exec", """{"argv":["sh","-c","echo $?"]}""")).Member("result").Text("stdout")!.Trim());
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.NotEqual(pinned, await File.ReadAllTextAsync(Path.Combine(lab.WorkerFolder("edge"), "gateway.pin"), RoleLab.Cancel));
        Assert.DoesNotContain("order_refused", lab.Output, StringComparison.Ordinal);
    }

    /// <summary>Two gateways on one database, one worker that knows both: whichever is there gets what it says.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task OneOfTwoGatewaysKilled_WorkerGoesOnWithTheOther(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, database: await cluster.CreateDatabaseAsync());
        var second = await lab.StartSecondGatewayAsync();
        await lab.StartWorkerAsync("edge", null, second);
        var run = await lab.DeployAsync(SlowStart, Health);
        await lab.StateAsync(run, "deploy.applied");
        RoleLab.Kill(lab.Gateway);
        await lab.StateAsync(run, "run_state.running");
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.Equal([.. Begun, "run.cancel", "run_state.cancelled"], await lab.StatesAsync(run));
    }

    /// <summary>What a command says is heard while it runs at both of them, since the worker asks both for questions.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task CommandAtTwoGateways_IsFollowedLiveAtEach(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, database: await cluster.CreateDatabaseAsync());
        var second = await lab.StartSecondGatewayAsync();
        var (_, wire) = await lab.StartWorkerAsync("edge", null, second);
        var container = (await lab.StateAsync(await lab.DeployAsync(), "run_state.running")).Text("container_id")!;
        var run = (await lab.DoAsync("container.exec", """{"argv":["sh","-c","echo begun; until [ -e /tmp/go ]; do sleep 0.05; done; echo ended"]}""", wait: 0)).Member("run").Text("run_id")!;

        var followers = new List<StreamReader>();
        foreach (var gateway in new[] { wire.Server, second })
        {
            var client = new HttpClient { BaseAddress = gateway, Timeout = TimeSpan.FromMinutes(2) };
            client.DefaultRequestHeaders.Authorization = new("ApiKey", lab.ApiKey);
            followers.Add(new StreamReader(await client.GetStreamAsync($"/v1/runs/{run}/logs?follow=true", RoleLab.Cancel)));
            await SaidAsync(followers[^1], "\"begun\"");
        }
        await lab.ReleaseAsync(container);
        foreach (var follower in followers)
        {
            using (follower)
            {
                await SaidAsync(follower, "\"ended\"");
                await SaidAsync(follower, "event: end");
            }
        }

        static async Task SaidAsync(StreamReader follower, string text)
        {
            while (await follower.ReadLineAsync(RoleLab.Cancel).AsTask().WaitAsync(TimeSpan.FromMinutes(2), RoleLab.Cancel) is var line && line?.Contains(text, StringComparison.Ordinal) != true)
            {
                Assert.True(line is not null, $"The stream ended without {text}.");
            }
        }
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task CutWire_DelaysWhatIsSaid_AndChangesNothing(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        var (_, wire) = await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id");
        wire.Cut();
        await lab.Engine.StopAsync(container!, TimeSpan.Zero, RoleLab.Cancel);
        Assert.Equal("running", (await lab.RunAsync(run)).Text("state"));
        wire.Mend();
        await lab.StateAsync(run, "run_state.exited");
        Assert.Equal([.. Begun, "run_state.exited"], await lab.StatesAsync(run));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task WorkerThatLostItsLease_SaysNothingMore_AndTheOtherOneEndsTheRun(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: 2);
        var (_, wire) = await lab.StartWorkerAsync("one");
        var run = await lab.DeployAsync(lifecycle: """{"stop_timeout":"1s"},"restart":{"policy":"always"}""");
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id");
        wire.Cut();
        await LoggedAsync(lab, $"The lease of {run} is lost");
        await lab.StartWorkerAsync("two");

        // The one that is cut off could start it again by itself, if it still acted on it: the other one does, once.
        await lab.Engine.StopAsync(container!, TimeSpan.Zero, RoleLab.Cancel);
        await lab.StateAsync(run, "run_state.running");
        await Patience.UntilAsync("a restart", async () => (await lab.RunAsync(run)).Integer("restarts") == 1);
        wire.Mend();
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.Equal([.. Begun, "run_state.running", "run.cancel", "run_state.cancelled"], await lab.StatesAsync(run));
        Assert.Equal(2, (await SignersOfAllAsync(lab, run)).Count);
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task CommandThatAWorkerWasLostIn_IsNotRunAgain(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        var (worker, wire) = await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync("""["/bin/sh","-c","exec sleep 600"]""");
        await lab.StateAsync(run, "run_state.running");
        var begun = await lab.DoAsync("container.exec", """{"argv":["sh","-c","echo x >> /tmp/count; echo begun > /proc/1/fd/1; sleep 600"]}""", wait: 0);
        var exec = begun.Member("run").Text("run_id")!;
        await lab.StateAsync(exec, "run_state.running");
        await Patience.UntilAsync("the command's output", async () => (await lab.Client.GetStringAsync($"/v1/runs/{run}/logs", RoleLab.Cancel)).Contains("begun", StringComparison.Ordinal));
        RoleLab.Kill(worker);
        await lab.StartWorkerAsync("edge", wire);
        Assert.Equal("worker_lost", (await lab.StateAsync(exec, "run_state.exited")).Text("reason"));
        Assert.Equal("1", (await lab.DoAsync("container.exec", """{"argv":["sh","-c","wc -l < /tmp/count"]}""")).Member("result").Text("stdout")!.Trim());
    }

    /// <summary>The wire is cut for longer than a lease while a command runs, and nobody else takes the run: the command goes on, and its worker says what it brought.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task CommandOfAWorkerThatIsCutOff_OutlivesItsLease_AndEndsOnce(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, leaseSeconds: 2);
        var (_, wire) = await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id")!;
        var exec = (await lab.DoAsync("container.exec", """{"argv":["sh","-c","echo x >> /tmp/count; until [ -e /tmp/go ]; do sleep 0.05; done; wc -l < /tmp/count"]}""", wait: 0)).Member("run").Text("run_id")!;
        await lab.StateAsync(exec, "run_state.running");
        wire.Cut();
        await LoggedAsync(lab, "Leases are not renewed", times: 6);
        await LoggedAsync(lab, $"The lease of {run} is lost");
        wire.Mend();
        await lab.ReleaseAsync(container);
        var ended = await lab.StateAsync(exec, "run_state.exited");
        Assert.Equal((null, 0L, "1"), (ended.Text("reason"), ended.Integer("exit_code"), ended.Member("result").Text("stdout")?.Trim()));
        Assert.Equal(["container.exec", "run_state.pending", "run_state.running", "run_state.exited"], await lab.StatesAsync(exec));

        // The deploy, which another worker could have taken, was dropped, and is watched again by the same one.
        await lab.Engine.StopAsync(container, TimeSpan.Zero, RoleLab.Cancel);
        await lab.StateAsync(run, "run_state.exited");
        Assert.Equal([.. Begun, "run_state.exited"], await lab.StatesAsync(run));
    }

    private static Task LoggedAsync(RoleLab lab, string text, int times = 1) => Patience.UntilAsync($"'{text}' in the log", () => lab.Output.Split(text).Length > times);

    private static async Task<Dictionary<string, string>> SignersAsync(RoleLab lab, string run) =>
        (await lab.SpansAsync(run)).Where(span => span.Text("intent") is "deploy.applied" or "run_state.pending" or "run_state.running").ToDictionary(span => span.Text("intent")!, span => span.Member("signature").Text("kid")!);

    private static async Task<HashSet<string>> SignersOfAllAsync(RoleLab lab, string run) =>
        [.. (await lab.SpansAsync(run)).Where(span => span.Text("intent") is "deploy.applied" || span.Text("intent")!.StartsWith("run_state.", StringComparison.Ordinal)).Select(span => span.Member("signature").Text("kid")!)];
}
