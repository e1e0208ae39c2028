using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>The process runner and the reading of what it brings, with real programs; the vectors on podman's own command line, which takes the same verbs.</summary>
public sealed class CommandTests
{
    private static readonly Dictionary<string, string?> Nothing = [];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static CommandRunner Runner(string program, params string[] before) => new(program, before, Nothing, TimeProvider.System);

    [Fact]
    public async Task Arguments_GoThroughNoShell()
    {
        var result = await Runner("/bin/echo").RunAsync(["$(id)", "; ls", "*", "\"a b\""], default, Patience, 1024, Cancel);

        Assert.Equal((0, "$(id) ; ls * \"a b\"\n"), (result.ExitCode, Encoding.UTF8.GetString(result.Output)));
    }

    [Fact]
    public async Task Output_IsBoundedAndInputArrives()
    {
        var input = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i:D9}\n")));

        var result = await Runner("/bin/cat").RunAsync(["-"], input, Patience, 1000, Cancel);

        Assert.Equal(input[^1000..], result.Output);
        Assert.Equal(input.Length - 1000, result.Dropped);
    }

    [Fact]
    public async Task WhatTakesTooLong_IsKilled()
    {
        var failure = await Assert.ThrowsAsync<AdapterException>(() => Runner("/bin/sh").RunAsync(["-c", "sleep 600 & wait"], default, TimeSpan.FromMilliseconds(200), 1000, Cancel));

        Assert.Equal(AdapterFailure.Unavailable, failure.Failure);
    }

    [Fact]
    public async Task ProgramThatIsNotThere_IsUnavailable() =>
        Assert.Equal(AdapterFailure.Unavailable, (await Assert.ThrowsAsync<AdapterException>(() => Runner("/no/such/nerdctl").RunAsync(["info"], default, Patience, 1000, Cancel))).Failure);

    [Theory]
    [InlineData("""[{"Name":"a","Labels":null},{"Name":"b","Labels":null}]""", "a,b")]
    [InlineData("""{"Name":"a","Labels":null}""", "a")]
    [InlineData("{\"Name\":\"a\",\n \"Labels\":null}\n", "a")]
    [InlineData("{\"Name\":\"a\",\"Labels\":null}\n\n{\"Name\":\"b\",\"Labels\":null}\r\n", "a,b")]
    [InlineData("", "")]
    public void Objects_AreReadAsAWholeOrLineByLine(string output, string names) =>
        Assert.Equal(names, string.Join(',', Read(output).Select(volume => volume.Name)));

    [Theory]
    [InlineData("no JSON")]
    [InlineData("{\"Name\":\"a\",\"Labels\":null}\nWARN[0000] something")]
    [InlineData("[{\"Name\":\"a\"")]
    public void WhatIsNeither_IsAnError(string output) => Assert.Throws<AdapterException>(() => Read(output));

    [Fact]
    public void CommandThatFailed_IsNoEmptyList() =>
        Assert.Equal(AdapterFailure.NotFound, Assert.Throws<AdapterException>(() => CommandOutput.Objects(new CommandResult(1, [], "Error: no such container x", 0), EngineJson.Default.VolumeDetail, EngineJson.Default.VolumeDetailArray, "list")).Failure);

    [Fact]
    public async Task Vectors_AreTakenByPodman()
    {
        var address = Environment.GetEnvironmentVariable("LOGLINE_TEST_PODMAN");
        if (string.IsNullOrEmpty(address))
        {
            Assert.Skip("LOGLINE_TEST_PODMAN names no engine; tests/run starts one.");
        }
        await using var lab = EngineLab.Open("podman");
        var podman = Runner("podman", "--url", address);
        async Task<CommandResult> RunAsync(string effect, string payload = "{}")
        {
            var result = await podman.RunAsync(NerdctlCommands.ToArgs(effect, NerdctlCommandsTests.Call(payload, lab.Tenant))!, default, Patience, 1 << 20, Cancel);
            Assert.True(result.ExitCode == 0, $"{effect}: {result.Errors}");
            return result;
        }

        await RunAsync("container.create", $$"""{"image":"{{EngineLab.TestImage}}","argv":["/bin/sh","-c","echo \"$0\"; sleep 600","--privileged"],"env":{"A":"1 2"},"resources":{"memory":"64MiB"},"security":{"cap_add":["NET_RAW"]},"mounts":[{"type":"tmpfs","target":"/t"}]}""");
        await RunAsync("container.start");
        var shown = Assert.Single(CommandOutput.Objects(await RunAsync("container.inspect"), EngineJson.Default.ContainerDetail, EngineJson.Default.ContainerDetailArray, "inspect"));
        var said = await RunAsync("container.exec", """{"argv":["/bin/sh","-c","printf '%s|' \"$A\" \"$@\"","x","$(id)","--rm","a b"]}""");
        await RunAsync("container.pause");
        await RunAsync("container.unpause");
        await RunAsync("container.stop", """{"timeout_s":0}""");
        var log = await RunAsync("container.logs");
        await RunAsync("container.remove");

        Assert.Equal((lab.Tenant, "running"), (shown.Config!.Labels![EngineLabels.Tenant], shown.State.Status));
        Assert.Equal("1 2|$(id)|--rm|a b|", Encoding.UTF8.GetString(said.Output));
        Assert.Contains("--privileged", Encoding.UTF8.GetString(log.Output));
    }

    private static IReadOnlyList<VolumeDetail> Read(string output) =>
        CommandOutput.Objects(new CommandResult(0, Encoding.UTF8.GetBytes(output), "", 0), EngineJson.Default.VolumeDetail, EngineJson.Default.VolumeDetailArray, "list volumes");
}
