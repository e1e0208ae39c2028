using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Workers;

/// <summary>
/// A worker is killed exactly between two steps: before the engine gets a call, or when the engine has done it and the worker has not heard. Started again it goes on: one container, started once, one end.
/// </summary>
public sealed class WorkerStepTests
{
    private static readonly string[] Begun = ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"];

    [Theory]
    [InlineData("podman", "before", "/containers/create"), InlineData("docker", "before", "/containers/create")]
    [InlineData("podman", "behind", "/containers/create"), InlineData("docker", "behind", "/containers/create")]
    [InlineData("podman", "before", "/start"), InlineData("docker", "before", "/start")]
    [InlineData("podman", "behind", "/start"), InlineData("docker", "behind", "/start")]
    public async Task KilledInADeploy_TheNextOneFinishesIt(string provider, string when, string call)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await using var engine = new EngineWire(lab.EngineAddress);
        lab.EngineOfWorkers = engine.Address;
        var (worker, wire) = await lab.StartWorkerAsync("edge");
        var killed = KillAt(engine, when, call, worker);

        var run = await lab.DeployAsync("""["/bin/sh","-c","echo begun; exec sleep 600"]""");
        await killed.WaitAsync(TimeSpan.FromSeconds(120), RoleLab.Cancel);
        await lab.StartWorkerAsync("edge", wire);

        var container = (await lab.StateAsync(run, "run_state.running")).Text("container_id");
        Assert.Equal([container!], await ContainersAsync(lab));
        Assert.Equal(["begun"], (await SaidAsync(lab, container!)).Lines);
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.Equal([.. Begun, "run.cancel", "run_state.cancelled"], await lab.StatesAsync(run));
        Assert.Empty(await ContainersAsync(lab));
    }

    [Theory]
    [InlineData("podman", "before", "/containers/create"), InlineData("docker", "before", "/containers/create")]
    [InlineData("podman", "behind", "/containers/create"), InlineData("docker", "behind", "/containers/create")]
    [InlineData("podman", "before", "/start"), InlineData("docker", "before", "/start")]
    [InlineData("podman", "behind", "/start"), InlineData("docker", "behind", "/start")]
    [InlineData("podman", "before", "/start", ",\"strategy\":\"ephemeral\""), InlineData("docker", "before", "/start", ",\"strategy\":\"ephemeral\"")]
    [InlineData("podman", "behind", "/start", ",\"strategy\":\"ephemeral\""), InlineData("docker", "behind", "/start", ",\"strategy\":\"ephemeral\"")]
    public async Task KilledInAPrimitive_TheNextOneFinishesIt(string provider, string when, string call, string members = "")
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await using var engine = new EngineWire(lab.EngineAddress);
        lab.EngineOfWorkers = engine.Address;
        var (worker, wire) = await lab.StartWorkerAsync("edge");
        var killed = KillAt(engine, when, call, worker);

        var image = Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE");
        var created = await lab.DoAsync("container.create", $$"""{"image":"{{image}}","argv":["/bin/sh","-c","echo begun; exec sleep 600"],"auto_start":true{{members}}}""", wait: 0);
        var run = created.Member("run").Text("run_id")!;
        await killed.WaitAsync(TimeSpan.FromSeconds(120), RoleLab.Cancel);
        await lab.StartWorkerAsync("edge", wire);

        var ended = await lab.StateAsync(run, "run_state.exited", "run_state.failed");
        Assert.Equal(("exited", 0L), (ended.Text("state"), ended.Integer("exit_code")));
        var container = ended.Member("result").Text("container_id");
        Assert.Equal([container!], await ContainersAsync(lab));
        Assert.Equal(["begun"], (await SaidAsync(lab, container!)).Lines);
        Assert.Equal(["container.create", "run_state.pending", "run_state.running", "run_state.exited"], await lab.StatesAsync(run));
    }

    /// <summary>
    /// The run is cancelled while no worker has it. The one before may have made something by then, also in a moment in which it was told to nobody: the next one looks for it, and takes it away.
    /// </summary>
    [Theory]
    [InlineData("podman", "container", "", "before", "/containers/create"), InlineData("docker", "container", "", "before", "/containers/create")]
    [InlineData("podman", "container", "", "behind", "/containers/create"), InlineData("docker", "container", "", "behind", "/containers/create")]
    [InlineData("podman", "container", ",\"auto_start\":true,\"strategy\":\"ephemeral\"", "behind", "/start"), InlineData("docker", "container", ",\"auto_start\":true,\"strategy\":\"ephemeral\"", "behind", "/start")]
    [InlineData("podman", "network", "", "behind", "/networks/create"), InlineData("docker", "network", "", "behind", "/networks/create")]
    [InlineData("podman", "volume", "", "behind", "/volumes/create"), InlineData("docker", "volume", "", "behind", "/volumes/create")]
    public async Task KilledInAPrimitive_AndCancelled_TheNextOneLeavesNothing(string provider, string kind, string members, string when, string call)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await using var engine = new EngineWire(lab.EngineAddress);
        lab.EngineOfWorkers = engine.Address;
        var (worker, wire) = await lab.StartWorkerAsync("edge");
        var killed = KillAt(engine, when, call, worker);

        var made = kind == "container" ? $$""","image":"{{Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE")}}","argv":["/bin/sleep","600"]{{members}}""" : "";
        var subject = $"urn:{kind}:dev/{lab.Service}";
        var run = (await lab.PostAsync($$$"""{"intent":"{{{kind}}}.create","subject":"{{{subject}}}","payload":{"name":"{{{lab.Service}}}","target":{"provider":"{{{provider}}}"}{{{made}}}}}""")).Member("run").Text("run_id")!;
        await killed.WaitAsync(TimeSpan.FromSeconds(120), RoleLab.Cancel);
        Assert.Equal(when == "behind" ? 1 : 0, await CountAsync(lab, kind));
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"{{{subject}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StartWorkerAsync("edge", wire);

        var ended = await lab.StateAsync(run, "run_state.exited", "run_state.failed", "run_state.cancelled");
        Assert.Equal(("cancelled", "cancelled", null), (ended.Text("state"), ended.Text("reason"), ended.Text("error")));
        Assert.Equal(0, await CountAsync(lab, kind));
    }

    /// <summary>How many things of the lab's service the engine has.</summary>
    private static async Task<int> CountAsync(RoleLab lab, string kind)
    {
        using var client = new EngineClient(EngineEndpoints.At(lab.Provider, lab.EngineAddress), EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        var label = $"{EngineLabels.Name}={lab.Service}";
        return kind switch
        {
            "network" => (await client.NetworksAsync(label, RoleLab.Cancel)).Count,
            "volume" => (await client.VolumesAsync(label, RoleLab.Cancel)).Count,
            _ => (await ContainersAsync(lab)).Count,
        };
    }

    /// <summary>Kills the worker at the first such call; completes when it is dead.</summary>
    private static Task KillAt(EngineWire engine, string when, string call, System.Diagnostics.Process worker)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<bool> Act(string said)
        {
            if (done.Task.IsCompleted || !said.StartsWith("POST ", StringComparison.Ordinal) || !said.Split('?')[0].EndsWith(call, StringComparison.Ordinal))
            {
                return Task.FromResult(true);
            }
            RoleLab.Kill(worker);
            done.SetResult();
            return Task.FromResult(false);
        }
        if (when == "before")
        {
            engine.Before = Act;
        }
        else
        {
            engine.Behind = Act;
        }
        return done.Task.ContinueWith(_ => engine.Behind = null, TaskScheduler.Default);
    }

    private static async Task<IReadOnlyList<string>> ContainersAsync(RoleLab lab)
    {
        using var client = new EngineClient(EngineEndpoints.At(lab.Provider, lab.EngineAddress), EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        return [.. (await client.ListAsync([(EngineLabels.Tenant, "dev"), (EngineLabels.Name, lab.Service)], RoleLab.Cancel)).Select(found => found.Id)];
    }

    /// <summary>What it has said, once it has said something.</summary>
    private static Task<LogTail> SaidAsync(RoleLab lab, string container) =>
        Patience.UntilThereAsync("its output", async () => await lab.Engine.LogTailAsync(container, 10, 1000, RoleLab.Cancel) is { Lines.Count: > 0 } said ? said : null);
}
