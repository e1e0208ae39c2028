using System.Globalization;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>What a container may do, asked of the kernel from inside it, on both engines.</summary>
public sealed class EngineConfinementTests
{
    static CancellationToken Cancel => EngineLab.Cancel;

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Default_HasNoCapabilitiesAndGainsNone(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell("grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status")));
        var status = Status(output);
        Assert.Equal("0000000000000000", status["CapEff"]);
        Assert.Equal("0000000000000000", status["CapPrm"]);
        Assert.Equal("0000000000000000", status["CapBnd"]);
        Assert.Equal("1", status["NoNewPrivs"]);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task CapabilityAdded_IsTheOnlyOne(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell("grep CapEff /proc/self/status")) with { CapAdd = ["NET_BIND_SERVICE"] });
        Assert.Equal(1UL << 10, ulong.Parse(Status(output)["CapEff"], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task WhatReachesTheHost_IsNotMadeWhereNobodyAllowsIt(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var spec = lab.Spec();
        foreach (var reaching in new[] { spec with { Privileged = true }, spec with { HostNetwork = true }, spec with { CapAdd = ["SYS_ADMIN"] }, spec with { Mounts = [new(MountKind.Bind, "/usr", "/host", true)] } })
        {
            Assert.Equal(AdapterFailure.Denied, (await Assert.ThrowsAsync<AdapterException>(() => lab.Adapter.CreateAsync(reaching, EngineLab.Cancel))).Failure);
        }
        Assert.Null(await lab.Adapter.FindByNameAsync(lab.Tenant, spec.Name, EngineLab.Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Default_RunsUnderAnInit(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell("tr '\\0' ' ' < /proc/1/cmdline")));
        Assert.Contains("init", output);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task UserAndWorkdir_AreThoseAskedFor(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell("id -u; id -g; pwd")) with { User = "1000:1000", Workdir = "/www" });
        Assert.Equal("1000\n1000\n/www", output);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ReadOnlyRoot_OnlyTemporaryFoldersCanBeWritten(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        const string script = "for d in /www /etc /bin; do touch $d/x 2>/dev/null && echo wrote $d; done; for d in /tmp /run /var/tmp; do touch $d/x && echo ok $d; done";
        var (_, output) = await lab.RunAsync(lab.Spec(EngineLab.Shell(script)) with { ReadOnlyRootfs = true });
        Assert.Equal("ok /tmp\nok /run\nok /var/tmp", output);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Limits_AreSetInTheEngine(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var created = await lab.Adapter.CreateAsync(lab.Spec() with { MemoryBytes = 48L << 20, CpuMillis = 250, Pids = 40 }, Cancel);
        var host = (await lab.Client.InspectAsync(created.Id, Cancel))?.HostConfig;
        Assert.Equal((48L << 20, 48L << 20, 250_000_000L, 40L), (host?.Memory, host?.MemorySwap, host?.NanoCpus, host?.PidsLimit));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task MemoryLimitExceeded_IsKilled(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        // A string that doubles: the shell itself grows until the kernel ends it.
        var (end, _) = await lab.RunAsync(lab.Spec(EngineLab.Shell("x=a; while :; do x=$x$x; done")) with { MemoryBytes = 32L << 20 });
        Assert.Equal(137, end.ExitCode);
        if (provider == "docker")
            Assert.True(end.OomKilled); // Podman sees it only where conmon does, which is not on every kind of cgroup.
    }

    static Dictionary<string, string> Status(string output) =>
        output.Split('\n').Select(line => line.Split(":\t", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
}
