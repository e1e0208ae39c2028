using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>The process runner and the reading of what it brings, with real programs.</summary>
public sealed class CommandTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static CommandRunner Runner(string program, params string[] before) => new(program, before, TimeProvider.System);

    [Fact]
    public async Task Arguments_GoThroughNoShell()
    {
        var result = await Runner("/bin/echo").RunAsync(["$(id)", "; ls", "*", "\"a b\""], new(), Patience, 1024, Cancel);

        Assert.Equal((0, "$(id) ; ls * \"a b\"\n"), (result.ExitCode, Encoding.UTF8.GetString(result.Output)));
    }

    [Fact]
    public async Task Output_IsBoundedAndInputArrives()
    {
        var input = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i:D9}\n")));

        var result = await Runner("/bin/cat").RunAsync(["-"], new() { Feed = (stream, inner) => stream.WriteAsync(input, inner).AsTask() }, Patience, 1000, Cancel);

        Assert.Equal(input[^1000..], result.Output);
        Assert.Equal(input.Length - 1000, result.Dropped);
    }

    /// <summary>However soon it ends.</summary>
    [Fact]
    public async Task ShortCommand_IsHeardEachTime()
    {
        var said = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Runner("/bin/sh").RunAsync(["-c", "echo out; echo err >&2; exit 7"], new(), Patience, 1000, Cancel)));

        Assert.All(said, result => Assert.Equal((7, "out\n", "err"), (result.ExitCode, Encoding.UTF8.GetString(result.Output), result.Errors)));
    }

    [Fact]
    public async Task WhatTakesTooLong_IsKilled()
    {
        var failure = await Assert.ThrowsAsync<AdapterException>(() => Runner("/bin/sh").RunAsync(["-c", "sleep 600 & wait"], new(), TimeSpan.FromMilliseconds(200), 1000, Cancel));

        Assert.Equal(AdapterFailure.Unavailable, failure.Failure);
    }

    /// <summary>It may have something to take away behind itself.</summary>
    [Fact]
    public async Task WhatIsToEnd_IsAskedBeforeItIsKilled()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var begun = new TaskCompletionSource();
        var streams = new CommandStreams
        {
            Output = async (stream, inner) =>
            {
                await stream.ReadExactlyAsync(new byte[6], inner);
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, inner);
            },
        };
        var file = Path.GetTempFileName();

        var running = Runner("/bin/sh").RunAsync(["-c", "trap 'rm \"$0\"; exit 1' TERM; echo begun; while :; do sleep 0.05; done", file], streams, TimeSpan.FromDays(1), 1000, stop.Token);
        await begun.Task.WaitAsync(Patience, Cancel);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        Assert.False(File.Exists(file));
    }

    /// <summary>What does not end when it is asked is killed, with all that it started, also what has a session of its own.</summary>
    [Fact]
    public async Task WhatIsKilled_LeavesNothingRunning()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var begun = new TaskCompletionSource<int>();
        var streams = new CommandStreams
        {
            Output = async (stream, inner) =>
            {
                using var reader = new StreamReader(stream);
                begun.SetResult(int.Parse((await reader.ReadLineAsync(inner))!, System.Globalization.CultureInfo.InvariantCulture));
                await Task.Delay(Timeout.Infinite, inner);
            },
        };

        var running = Runner("/bin/sh").RunAsync(["-c", "trap '' TERM; setsid sh -c 'echo $$; exec sleep 600' & while :; do wait; done"], streams, TimeSpan.FromDays(1), 1000, stop.Token);
        var id = await begun.Task.WaitAsync(Patience, Cancel);
        var child = Assert.Single(ProcessTree.Below(Environment.ProcessId), one => one.Id == id);
        Assert.True(ProcessTree.IsThere(child));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        await Hosting.Patience.UntilAsync("the end of all", () => !ProcessTree.IsThere(child));
    }

    /// <summary>Waiting for it would take as long as the command may.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task WhatCannotBeReadOrWritten_EndsTheCommand(bool isOutput)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        static Task Fail(Stream stream, CancellationToken cancel) => Task.FromException(new ArtifactException(ArtifactFailure.TooLarge, "too much"));

        var running = Runner("/bin/sh").RunAsync(["-c", isOutput ? "while :; do echo x; done" : "cat"], isOutput ? new() { Output = Fail } : new() { Feed = Fail }, TimeSpan.FromDays(1), 1000, stop.Token);
        var first = await Task.WhenAny(running, Task.Delay(Patience, Cancel));
        await stop.CancelAsync();

        Assert.Same(running, first);
        await Assert.ThrowsAsync<ArtifactException>(() => running);
    }

    [Fact]
    public async Task ProgramThatIsNotThere_IsUnavailable() =>
        Assert.Equal(AdapterFailure.Unavailable, (await Assert.ThrowsAsync<AdapterException>(() => Runner("/no/such/nerdctl").RunAsync(["info"], new(), Patience, 1000, Cancel))).Failure);

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
    public async Task Gateway_sVariables_AreNotTheProgram_s()
    {
        Environment.SetEnvironmentVariable("LOGLINE_TEST_NOT_FOR_PROGRAMS", "secret");

        var result = await Runner("/usr/bin/env").RunAsync([], new() { Environment = new Dictionary<string, string> { ["GIVEN"] = "1" } }, Patience, 1 << 16, Cancel);

        var said = Encoding.UTF8.GetString(result.Output);
        Assert.DoesNotContain("LOGLINE_TEST_NOT_FOR_PROGRAMS", said);
        Assert.Contains("GIVEN=1", said);
        Assert.Contains("PATH=", said);
    }

    [Theory]
    [InlineData("A=1\n2"), InlineData("A=1\r"), InlineData("#A=1"), InlineData("A B=1")]
    public void Variable_ThatAFileWouldAlter_IsRefused(string variable) =>
        Assert.Equal(AdapterFailure.Refused, Assert.Throws<AdapterException>(() => VariableFile.Write([variable])).Failure);

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void Variables_AreInAFileOfTheirOwn_ThatOnlyItsOwnerReads_AndThatGoes()
    {
        string path;
        using (var file = VariableFile.Write(["A=x=y", "B= # "]))
        {
            path = file.Path!;
            Assert.Equal("A=x=y\nB= # \n", File.ReadAllText(path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        }
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
        Assert.Null(VariableFile.Write([]).Path);
    }

    /// <summary>Each command is measured as the same call of the Engine API is.</summary>
    [Fact]
    public async Task Commands_AreMeasured()
    {
        var measured = new System.Collections.Concurrent.ConcurrentBag<(string Operation, string Outcome)>();
        using var listener = new System.Diagnostics.Metrics.MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Name == "logline.adapter.call.duration") self.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            var labels = tags.ToArray().ToDictionary(tag => tag.Key, tag => (string)tag.Value!);
            if (labels["provider"] == "nerdctl")
                measured.Add((labels["operation"], labels["outcome"]));
        });
        listener.Start();
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = "echo" }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
        using var absent = new NerdctlEngine(new NerdctlOptions { Binary = "no-such-nerdctl" }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);

        await engine.StartAsync("0123", Cancel);
        await Assert.ThrowsAsync<AdapterException>(() => absent.RemoveNetworkAsync("n", Cancel));

        Assert.Contains(("start a container", "ok"), measured);
        Assert.Contains(("remove a network", "Unavailable"), measured);
    }

    [Fact]
    public async Task ProgramThatIsNotThere_IsSaidWithTheWayOut()
    {
        using var adapter = new EngineAdapter("nerdctl", new NerdctlEngine(new NerdctlOptions { Binary = "no-such-nerdctl" }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System), EngineLimits.Default, WorkloadPolicy.Default, TimeProvider.System);

        var status = await adapter.StatusAsync(Cancel);

        Assert.False(status.Available);
        Assert.Contains("LogLine:Engines:Nerdctl:Binary", status.Reason);
    }

    /// <summary>Lines as nerdctl 2 draws them where nobody looks, and as Podman 4 says them; all else is for people.</summary>
    [Theory]
    [InlineData("Copying blob sha256:4abcf20661432fb2d719aaf90656f55c287f8ca915dc1c92ec14ff61e67fbaf8 done", "4abcf20661432fb2d719aaf90656f55c287f8ca915dc1c92ec14ff61e67fbaf8", 0, 0)]
    [InlineData("Copying blob 4abcf2066143 skipped: already exists  ", "4abcf2066143", 0, 0)]
    [InlineData("layer-sha256:4abcf20661432fb2d719aaf90656f55c287f8ca915dc1c92ec14ff61e67fbaf8:    downloading    |\u001b[32m+++++++\u001b[0m---| 1.5 MiB/3.0 MiB", "4abcf20661432fb2d719aaf90656f55c287f8ca915dc1c92ec14ff61e67fbaf8", 1_572_864, 3_145_728)]
    [InlineData("layer-sha256:4abcf2066143: downloading |--| 512.0 B/1.0 KiB", "4abcf2066143", 512, 1024)]
    [InlineData("layer-sha256:4abcf2066143:   done           |\u001b[32m++++++++++\u001b[0m|", "4abcf2066143", 0, 0)]
    [InlineData("layer-sha256:4abcf2066143: downloading |+| 9.0 MiB/3.0 MiB", "4abcf2066143", 3_145_728, 3_145_728)]
    public void LayerOnItsWay_IsRead(string line, string id, long current, long total)
    {
        var read = CommandProgress.Read(line);
        Assert.Equal((id, current, total), (read?.Id, read?.Amount?.Current ?? 0, read?.Amount?.Total ?? 0));
    }

    [Theory]
    [InlineData(""), InlineData("Trying to pull 127.0.0.1:5000/a:1..."), InlineData("Copying config 93a8c2bf"), InlineData("elapsed: 0.9 s   total:  3.0 Mi (3.3 MiB/s)")]
    [InlineData("manifest-sha256:4abcf2066143: done |++|"), InlineData("Copying blob ../../etc"), InlineData("layer-sha256:4abcf2066143: downloading 1/2")]
    public void AnyOtherLine_IsNoLayer(string line) => Assert.Null(CommandProgress.Read(line));

    [Theory]
    [InlineData("Error: no such image", "no such image")]
    [InlineData("Trying to pull a:1...\nError: initializing source: connection refused", "initializing source: connection refused")]
    [InlineData("time=x level=fatal msg=\"no such host\"", "time=x level=fatal msg=\"no such host\"")]
    public void LastWords_AreTheErrorAndNotWhatWentBefore(string errors, string words) => Assert.Equal(words, CommandErrors.LastWords(new CommandResult(1, [], errors, 0)));

    private static IReadOnlyList<VolumeDetail> Read(string output) =>
        CommandOutput.Objects(new CommandResult(0, Encoding.UTF8.GetBytes(output), "", 0), EngineJson.Default.VolumeDetail, EngineJson.Default.VolumeDetailArray, "list volumes");
}
