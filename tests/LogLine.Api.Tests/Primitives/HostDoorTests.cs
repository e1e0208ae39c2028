using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Primitives;

/// <summary>What reaches beyond a container is given where the operator allows it, on a real engine; that it is refused elsewhere is in <see cref="PrimitiveRefusalTests"/>.</summary>
public sealed class HostDoorTests
{
    private static readonly Dictionary<string, string?> Allowed = new()
    {
        ["LogLine:Policy:AllowPrivileged"] = "true", ["LogLine:Policy:AllowHostNetwork"] = "true", ["LogLine:Policy:AllowHostPid"] = "true", ["LogLine:Policy:AllowCapabilities:0"] = "SYS_PTRACE",
    };

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task HostNetworkAndProcesses_AreTheHosts(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, Allowed);
        var (own, hosts) = (await lab.RunningAsync("own", "exec sleep 600"), lab.Name("hosts"));

        var made = await lab.DoAsync("container.create", hosts, $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","600"],"security":{"host_network":true,"host_pid":true},"auto_start":true}""");

        foreach (var kind in (string[])["net", "pid"])
        {
            // Engine and tests are in the same namespaces.
            var here = File.ResolveLinkTarget($"/proc/self/ns/{kind}", returnFinalTarget: false)!.Name;
            Assert.Equal(here, (await lab.SaidAsync(hosts, "/bin/readlink", $"/proc/self/ns/{kind}")).Trim());
            Assert.NotEqual(here, (await lab.SaidAsync(own, "/bin/readlink", $"/proc/self/ns/{kind}")).Trim());
        }
        Assert.True(made.Flag("network_ready")); // without an address of its own
    }

    /// <summary>The number of a process is the host's, whichever engine says it.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task ProcessesOfAContainer_AreNumberedAsOnTheHost(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync("numbered", "exec sleep 4321");

        var process = (await lab.DoAsync("container.top", name)).Items("processes").Single(one => one.Text("command")!.Contains("sleep 4321", StringComparison.Ordinal) && !one.Text("command")!.Contains("init", StringComparison.Ordinal));

        Assert.Contains("sleep", await File.ReadAllTextAsync($"/proc/{process.Integer("pid")}/cmdline", PrimitiveLab.Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Privileged_HasEveryCapabilityOfItsEngine(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, Allowed);
        var (own, privileged) = (await lab.RunningAsync("own", "exec sleep 600"), lab.Name("privileged"));

        var made = await lab.SendAsync("container.create", privileged, $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","600"],"security":{"privileged":true},"auto_start":true}""");

        // Docker 20.10 wants every capability that there is, and fails where its machine does not have them all; Podman gives those that it has.
        if (provider == "docker" && made.Json.Member("run").Text("state") == "failed")
        {
            Assert.Contains("unable to apply caps", made.Json.Member("result").Text("error"));
            return;
        }
        Assert.True(made.Json.Member("run").Text("state") == "exited", made.Body);
        Assert.Equal(0UL, await CapabilitiesAsync(lab, own));
        var here = Convert.ToUInt64(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("CapBnd:", StringComparison.Ordinal))[7..].Trim(), 16);
        Assert.Equal(here, here & await CapabilitiesAsync(lab, privileged));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task FarReachingCapability_NeedsAProofToo(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider, Allowed);
        await lab.Gateway.RegisterKeyAsync();
        var name = lab.Name("traces");
        var order = $$"""{"image":"{{PrimitiveLab.Image}}","argv":["/bin/sleep","600"],"security":{"cap_add":["SYS_PTRACE"]},"auto_start":true}""";

        var without = await lab.SendAsync("container.create", name, order);
        var proved = await lab.Gateway.ProveAsync(name, draft => draft with { Intent = "capability.allow", Subject = $"urn:container:dev/{name}", Capabilities = ["SYS_PTRACE"] });
        var with = await lab.SendAsync("container.create", name, order);

        Assert.Equal(("428_PROOF_REQUIRED", "capability.allow"), (without.Code, without.Json.Member("details").Text("required_proof_intent")));
        Assert.Null(proved.Code);
        Assert.True(with.Json.Member("run").Text("state") == "exited", with.Body);
        const int SysPtrace = 19;
        Assert.Equal(1UL << SysPtrace, await CapabilitiesAsync(lab, name));
    }

    /// <summary>Those that a process of the container can have.</summary>
    private static async Task<ulong> CapabilitiesAsync(PrimitiveLab lab, string name)
    {
        var said = await lab.SaidAsync(name, "/bin/grep", "CapBnd", "/proc/1/status");
        return Convert.ToUInt64(said.Split(':')[1].Trim(), 16);
    }
}
