using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Workers;

/// <summary>A worker goes by its own operator's policy, whatever the gateway lets through: its engine is asked for nothing that this one does not allow.</summary>
public sealed class WorkerPolicyTests
{
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task WhatTheGatewayAllows_AWorkerThatDoesNotRefuses(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider, gatewaySettings:
            ["--LogLine:Policy:AllowPrivileged=true", "--LogLine:Policy:AllowHostNetwork=true", "--LogLine:Policy:AllowHostPid=true", "--LogLine:Policy:BindRoots:0=/usr"]);
        await lab.StartWorkerAsync("edge");

        foreach (var (members, setting) in new[]
        {
            ("""{"security":{"privileged":true}}""", "AllowPrivileged"), ("""{"security":{"host_network":true}}""", "AllowHostNetwork"), ("""{"security":{"host_pid":true}}""", "AllowHostPid"),
            ("""{"mounts":[{"type":"bind","source":"/usr/bin","target":"/host","read_only":true}]}""", "BindRoots"),
        })
        {
            AssertDenied(await CreateAsync(lab, members), "LogLine:Policy:" + setting);
        }
        Assert.Null(await lab.ContainerAsync());
    }

    [Fact]
    public async Task Deploy_ThatTheGatewayAndAProofLetThrough_IsJudgedAsWell()
    {
        await using var lab = await RoleLab.OpenAsync(gatewaySettings: ["--LogLine:Policy:AllowCapabilities:0=SYS_PTRACE"]);
        await lab.StartWorkerAsync("edge");
        const string Wanted = """{"stop_timeout":"1s"},"security":{"cap_add":["SYS_PTRACE"]}""";

        await lab.ProveAsync("capability.allow", $"urn:minicontainer:dev/{lab.Service}", "SYS_PTRACE");
        var refused = await lab.StateAsync(await lab.DeployAsync(lifecycle: Wanted), "run_state.failed", "run_state.running");

        Assert.Equal("policy_denied", refused.Text("reason"));
        Assert.Contains("LogLine:Policy:AllowCapabilities", refused.Text("error"), StringComparison.Ordinal);
        Assert.Null(await lab.ContainerAsync());
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task LinkOutOfTheWorkersRoot_IsRefused_AndWhatBothAllowIsMounted(string provider)
    {
        // The gateway's root is wider: what it takes for a folder below it leads out of the worker's.
        var root = Directory.CreateTempSubdirectory("logline-roots-").FullName;
        var below = Directory.CreateDirectory(Path.Combine(root, "worker", "inside")).FullName;
        await File.WriteAllTextAsync(Path.Combine(below, "note"), "from the host", RoleLab.Cancel);
        Directory.CreateDirectory(Path.Combine(root, "outside"));
        File.CreateSymbolicLink(Path.Combine(root, "worker", "link"), "../outside");
        try
        {
            await using var lab = await RoleLab.OpenAsync(provider, gatewaySettings: [$"--LogLine:Policy:BindRoots:0={root}"]);
            lab.WorkerSettings = [$"--LogLine:Policy:BindRoots:0={Path.Combine(root, "worker")}"];
            await lab.StartWorkerAsync("edge");

            AssertDenied(await CreateAsync(lab, Mounting($"{root}/worker/link")), "LogLine:Policy:BindRoots");
            Assert.Null(await lab.ContainerAsync());

            var made = await CreateAsync(lab, Mounting(below));
            Assert.True(made.Member("run").Text("state") == "exited", made.ToString());
            var seen = await lab.DoAsync("container.exec", """{"argv":["cat","/host/note"]}""");
            Assert.Equal("from the host", seen.Member("result").Text("stdout"));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static string Mounting(string source) => $$"""{"mounts":[{"type":"bind","source":"{{source}}","target":"/host","read_only":true}],"user":"0","auto_start":true}""";

    private static Task<JsonElement> CreateAsync(RoleLab lab, string members) =>
        lab.DoAsync("container.create", members.Insert(1, $"\"image\":\"{Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE")}\","));

    private static void AssertDenied(JsonElement answer, string setting)
    {
        Assert.True(answer.Member("run").Text("state") == "failed", answer.ToString());
        Assert.Equal("policy_denied", answer.Member("result").Text("reason"));
        Assert.Contains(setting, answer.Member("result").Text("error"), StringComparison.Ordinal);
        Assert.Contains(Environment.MachineName, answer.Member("result").Text("error"), StringComparison.Ordinal);
    }
}
