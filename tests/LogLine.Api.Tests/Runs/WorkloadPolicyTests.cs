using LogLine.Api.Policy;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Runs;

/// <summary>The last word before an engine is asked: that of the operator whose machine it is.</summary>
public sealed class WorkloadPolicyTests
{
    private static readonly WorkloadSpec Plain = new() { Tenant = "dev", Name = "web", RunId = "run_1", Image = "docker.io/library/nginx" };

    public static IEnumerable<TheoryDataRow<WorkloadSpec, string, OperatorPolicy>> Doors() =>
    [
        new(Plain with { Privileged = true }, "LogLine:Policy:AllowPrivileged", new OperatorPolicy { AllowPrivileged = true }),
        new(Plain with { HostNetwork = true }, "LogLine:Policy:AllowHostNetwork", new OperatorPolicy { AllowHostNetwork = true }),
        new(Plain with { HostPid = true }, "LogLine:Policy:AllowHostPid", new OperatorPolicy { AllowHostPid = true }),
        new(Plain with { CapAdd = ["CHOWN", "SYS_PTRACE"] }, "LogLine:Policy:AllowCapabilities", new OperatorPolicy { AllowCapabilities = ["SYS_PTRACE"] }),
        new(Plain with { Mounts = [Bind("/usr/bin")] }, "LogLine:Policy:BindRoots", new OperatorPolicy { BindRoots = ["/usr"] }),
    ];

    [Theory]
    [MemberData(nameof(Doors), DisableDiscoveryEnumeration = true)]
    public void WhatReachesTheHost_IsDeniedUntilThisMachinesOperatorAllowsIt(WorkloadSpec spec, string setting, OperatorPolicy allowing)
    {
        var denied = Assert.Throws<AdapterException>(() => WorkloadPolicy.Default.Judge(spec, remoteHost: null));

        Assert.Equal(AdapterFailure.Denied, denied.Failure);
        Assert.Contains(setting, denied.Message, StringComparison.Ordinal);
        Assert.Contains(Environment.MachineName, denied.Message, StringComparison.Ordinal);
        new WorkloadPolicy(allowing).Judge(spec, remoteHost: null);
    }

    [Fact]
    public void WhatStaysInside_NeedsNoWord() => WorkloadPolicy.Default.Judge(
        Plain with { CapAdd = ["NET_ADMIN"], Mounts = [new(MountKind.Volume, "data", "/data", false), new(MountKind.Tmpfs, null, "/run", false), Bind("/dev/shm/logline-secrets/1") with { IsSecret = true }] }, remoteHost: "engine.example");

    [Fact]
    public void Images_AreThoseOfThisMachinesOperator()
    {
        var policy = new WorkloadPolicy(new OperatorPolicy { Images = ["ghcr.io/vv/*"] });

        Assert.Contains("LogLine:Policy:Images", Assert.Throws<AdapterException>(() => policy.Judge(Plain, null)).Message, StringComparison.Ordinal);
        policy.Judge(Plain with { Image = "ghcr.io/vv/web:1" }, null);
    }

    [Theory]
    [InlineData("inside", true)]
    [InlineData("link-inside", true)]
    [InlineData("inside/missing", false)]
    [InlineData("link-outside", false)]
    [InlineData("link-outside/inside", false)]
    [InlineData("inside/../../elsewhere", false)]
    public void BindSource_IsFollowedHere_AndHasToBeInSight(string source, bool allowed)
    {
        var folder = Directory.CreateTempSubdirectory("logline-policy-").FullName;
        try
        {
            var root = Directory.CreateDirectory(Path.Combine(folder, "root")).FullName;
            Directory.CreateDirectory(Path.Combine(root, "inside"));
            Directory.CreateDirectory(Path.Combine(folder, "elsewhere", "inside"));
            File.CreateSymbolicLink(Path.Combine(root, "link-inside"), "inside");
            File.CreateSymbolicLink(Path.Combine(root, "link-outside"), "../elsewhere");
            var policy = new WorkloadPolicy(new OperatorPolicy { BindRoots = [root] });
            var spec = Plain with { Mounts = [Bind($"{root}/{source}")] };

            Assert.Equal(allowed, Record.Exception(() => policy.Judge(spec, remoteHost: null)) is null);
            Assert.Contains("engine.example", Assert.Throws<AdapterException>(() => policy.Judge(spec, remoteHost: "engine.example")).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static WorkloadMount Bind(string source) => new(MountKind.Bind, source, "/host", true);
}
