using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>The contract of <see cref="IRunAdapter"/>, kept by both engines: what is made, found again and refused.</summary>
public sealed class EngineCreationTests
{
    static CancellationToken Cancel => EngineLab.Cancel;

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Created_CarriesOurLabelsAndName(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec() with { Ref = "mc:dev/web@blake3:00" };
        await lab.Adapter.CreateAsync(spec, Cancel);
        var container = await lab.Client.InspectAsync($"{lab.Tenant}-web", Cancel);
        var labels = container?.Config?.Labels;
        Assert.NotNull(labels);
        Assert.Equal((spec.Tenant, spec.Name, spec.RunId, spec.Ref), (labels["logline.tenant"], labels["logline.name"], labels["logline.run_id"], labels["logline.ref"]));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Created_IsFoundByRunAndByName(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        var created = await lab.Adapter.CreateAsync(spec, Cancel);
        Assert.Equal(created.Id, (await lab.Adapter.FindByRunAsync(spec.RunId, Cancel))?.Id);
        Assert.Equal(created.Id, (await lab.Adapter.FindByNameAsync(lab.Tenant, "web", Cancel))?.Id);
        Assert.Null(await lab.Adapter.FindByRunAsync("run_none", Cancel));
        Assert.Null(await lab.Adapter.FindByNameAsync(lab.Tenant, "other", Cancel));
        Assert.Null(await lab.Adapter.FindByNameAsync("other", "web", Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ForeignContainer_DoesNotExistForUs(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var id = await lab.ForeignAsync($"{lab.Tenant}-web", []);
        Assert.Null(await lab.Adapter.FindByNameAsync(lab.Tenant, "web", Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.StartAsync(id, Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.StopAsync(id, TimeSpan.Zero, Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.NotFound, () => lab.Adapter.LogTailAsync(id, 1, 1, Cancel));
        await lab.Adapter.RemoveAsync(id, force: true, Cancel);
        Assert.NotNull(await lab.Client.InspectAsync(id, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NameHeldByForeignContainer_IsTaken(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        await lab.ForeignAsync($"{lab.Tenant}-web", []);
        await EngineLab.RefusedAsync(AdapterFailure.NameTaken, () => lab.Adapter.CreateAsync(lab.Spec(), Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SameRunTwice_IsTheSameContainer(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        var first = await lab.Adapter.CreateAsync(spec, Cancel);
        Assert.Equal(first.Id, (await lab.Adapter.CreateAsync(spec, Cancel)).Id);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task MayNotBeMade_MakesNothing(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        Assert.Null(await lab.Adapter.CreateAsync(spec, () => Task.FromResult(false), Cancel, Cancel));
        Assert.Empty(await lab.Client.ListAsync([(EngineLabels.Tenant, lab.Tenant)], Cancel));
    }

    /// <summary>What is said of a container that was not looked at yet is what it turns out to be.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Created_IsAsTheEngineShowsIt(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var created = await lab.Adapter.CreateAsync(lab.Spec() with { Ref = "mc:dev/web@blake3:00", Ports = [new(0, 8080)] }, Cancel);
        var shown = await lab.Adapter.FindByNameAsync(lab.Tenant, "web", Cancel);
        Assert.Equal((created.Id, created.RunId, created.State, created.Ref, created.ImageDigest), (shown!.Id, shown.RunId, shown.State, shown.Ref, shown.ImageDigest));
        Assert.Equal(created.Ports.Select(port => port.Container), shown.Ports.Select(port => port.Container));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SameRunFourTimesAtOnce_IsOneContainer(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        var created = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => lab.Adapter.CreateAsync(spec, Cancel)));
        Assert.Single(created.Select(w => w.Id).Distinct());
        Assert.Single(await lab.Client.ListAsync([(EngineLabels.Tenant, lab.Tenant)], Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NameHeldByRunningContainerOfEarlierRun_IsTaken(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var earlier = await lab.StartedAsync(lab.Spec());
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.NameTaken, () => lab.Adapter.CreateAsync(lab.Spec(), Cancel));
        Assert.Contains(earlier.RunId, refusal.Message);
        Assert.Equal(WorkloadState.Running, (await lab.Adapter.FindByRunAsync(earlier.RunId, Cancel))?.State);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NameHeldByAnotherTenant_IsTakenAndNotTold(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        // "t-x" + "web" and "t" + "x-web" are one name in the engine.
        var other = await lab.Adapter.CreateAsync(lab.Spec() with { Name = "x-web" }, Cancel);
        var spec = lab.Spec() with { Tenant = $"{lab.Tenant}-x" };
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.NameTaken, () => lab.Adapter.CreateAsync(spec, Cancel));
        Assert.DoesNotContain(other.RunId, refusal.Message);
        Assert.Null(await lab.Adapter.FindByNameAsync(spec.Tenant, spec.Name, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NameHeldByStoppedContainerOfTheClient_IsTaken(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var own = await lab.StartedAsync(lab.Spec(EngineLab.Shell("exit 0")));
        await lab.Adapter.WaitAsync(own.Id, Cancel);
        await EngineLab.RefusedAsync(AdapterFailure.NameTaken, () => lab.Adapter.CreateAsync(lab.Spec() with { Ref = "mc:dev/web@blake3:00" }, Cancel));
        Assert.NotNull(await lab.Adapter.FindByRunAsync(own.RunId, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NameHeldByStoppedContainerOfEarlierRun_IsReplaced(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var earlier = await lab.StartedAsync(lab.Spec(EngineLab.Shell("exit 0")) with { Ref = "mc:dev/web@blake3:00" });
        await lab.Adapter.WaitAsync(earlier.Id, Cancel);
        var spec = lab.Spec();
        var later = await lab.Adapter.CreateAsync(spec, Cancel);
        Assert.Equal(spec.RunId, later.RunId);
        Assert.Null(await lab.Adapter.FindByRunAsync(earlier.RunId, Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageNowhere_IsImageNotFoundInTheEnginesWords(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        // Port 1 of this machine: a registry that refuses the connection, wherever the test runs.
        var spec = lab.Spec() with { Image = "127.0.0.1:1/nowhere/none:1" };
        var refusal = await EngineLab.RefusedAsync(AdapterFailure.ImageNotFound, () => lab.Adapter.CreateAsync(spec, Cancel));
        Assert.Contains("127.0.0.1:1/nowhere/none:1", refusal.Message);
        Assert.Contains("connection refused", refusal.Message);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ArgumentsAndEnvironment_ReachTheContainerUnchanged(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        // A command line is handed variables in a file of lines; it refuses what would not fit (CommandTests).
        var odd = provider == "nerdctl" ? "a=b # \"$c\" é " : "a=b\n\"$c\" é";
        string[] strange = ["--privileged", "", " ", "$HOME;`id`", "a\nb", "\"'\\", "Ünï\u2028😀", "*"];
        var spec = lab.Spec(strange) with { Entrypoint = ["/bin/sh", "-c", "for a; do printf '<%s>' \"$a\"; done; printf '{%s}' \"$ODD\"", "sh"], Env = new Dictionary<string, string> { ["ODD"] = odd } };
        var (end, output) = await lab.RunAsync(spec);
        Assert.Equal(0, end.ExitCode);
        Assert.Equal(string.Concat(strange.Select(a => $"<{a}>")) + $"{{{odd}}}", output);
    }
}
