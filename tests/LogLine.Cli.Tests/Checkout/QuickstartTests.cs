using System.Net.Sockets;
using System.Text.Json;

namespace LogLine.Cli.Tests.Checkout;

/// <summary>deploy/quickstart, as a newcomer runs it.</summary>
[Collection(CheckoutCollection.Name)]
public sealed class QuickstartTests
{
    private const string Command = "deploy/quickstart";

    // What a newcomer must have seen, in this order.
    private static readonly string[] Story =
    [
        "[1/9]", "[2/9]", "[3/9]", "[4/9]", "[5/9]", "Registered the key", "[6/9]", "\"ll.minicontainer.v1\"", "Signed with", "Applied urn:minicontainer:dev/web", "[7/9]", "[428_PROOF_REQUIRED]",
        "Proved deploy.allow", "run_state.pending", "run_state.running", "[8/9]", "Hello from a MiniContainer", "run_state.exited", "[9/9]", "5 receipts verified", "All 9 steps held",
    ];

    [Fact]
    public async Task SeveralAtOnce_AllSucceed_AndLeaveNothing()
    {
        using var one = On("podman");
        using var two = On("podman");
        using var three = On("docker");
        foreach (var run in (Script[])[one, two, three])
        {
            Assert.True(await run.EndAsync() == 0, run.Said);
            AssertInOrder(run.Said, Story);
            AssertNothingIn(run.Folder);
        }
        await AssertNothingOnAsync("podman");
        await AssertNothingOnAsync("docker");
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task InterruptedWhileTheContainerRuns_LeavesNothing(string signal, int exitCode)
    {
        using var run = On("podman");
        await run.SeesAsync("run_state.running");
        run.Signal(signal);

        Assert.Equal(exitCode, await run.EndAsync());
        AssertNothingIn(run.Folder);
        await AssertNothingOnAsync("podman");
    }

    [Fact]
    public async Task NoEngine_StartsAPrivateOne_AndKeepGoesOnUntilStop()
    {
        if (Environment.UserName != "root" || File.Exists("/run/podman/podman.sock") || File.Exists("/var/run/docker.sock"))
        {
            Repository.Missing("It needs root and a machine without an engine: tests/run makes one.");
        }
        using var run = Script.Start(new Dictionary<string, string?> { ["CONTAINER_HOST"] = null, ["DOCKER_HOST"] = null, ["XDG_RUNTIME_DIR"] = "/nonexistent" }, Command, "--keep");
        Assert.True(await run.EndAsync() == 0, run.Said);
        AssertInOrder(run.Said, [.. Story[..3], "starting a private Podman", .. Story[3..], "The gateway runs on"]);
        var folder = Assert.Single(Directory.GetDirectories(run.Folder, "logline*"));
        var engine = File.ReadAllText(Path.Combine(folder, "engine")).TrimEnd();
        using var again = Script.Start(
            new Dictionary<string, string?> { ["LOGLINE_HOME"] = Path.Combine(folder, "home") }, "dotnet", Path.Combine(folder, "bin/cli/logline.dll"), "status", "urn:minicontainer:dev/web");
        Assert.True(await again.EndAsync() == 0, again.Said);
        Assert.Contains("run_state.exited", again.Said, StringComparison.Ordinal);

        using var stop = Script.Start(new Dictionary<string, string?>(), Command, "--stop", folder);
        Assert.True(await stop.EndAsync() == 0, stop.Said);
        AssertNothingIn(run.Folder);
        Assert.False(Path.Exists(engine), engine + " is still there");
    }

    [Fact]
    public async Task WrongSdk_SaysWhatWhyAndWhatToDo()
    {
        var bin = Directory.CreateTempSubdirectory("ll-bin-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(bin, "dotnet"), "#!/bin/sh\necho 8.0.100\n");
            File.SetUnixFileMode(Path.Combine(bin, "dotnet"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            using var run = Script.Start(new Dictionary<string, string?> { ["PATH"] = bin + ":" + Environment.GetEnvironmentVariable("PATH") }, Command);

            Assert.Equal(1, await run.EndAsync());
            AssertInOrder(run.Said, "step 1 of 9 failed: the .NET SDK is not 10", "why", "8.0.100", "do", "install the .NET 10 SDK");
            AssertNothingIn(run.Folder);
        }
        finally
        {
            Directory.Delete(bin, recursive: true);
        }
    }

    [Fact]
    public async Task UnknownOption_IsWrongUsage()
    {
        using var run = Script.Start(new Dictionary<string, string?>(), Command, "--kep");

        Assert.Equal(2, await run.EndAsync());
        Assert.Contains("deploy/quickstart --keep", run.Said, StringComparison.Ordinal);
    }

    private static Script On(string provider) => Script.Start(
        new Dictionary<string, string?>
        {
            ["CONTAINER_HOST"] = provider == "podman" ? Repository.Engine(provider) : "unix:///nonexistent",
            ["DOCKER_HOST"] = provider == "docker" ? Repository.Engine(provider) : "unix:///nonexistent",
        },
        // Where the tests run in the background SIGINT is ignored, and a shell cannot trap what it was born ignoring.
        "env", "--default-signal=INT", Path.Combine(Repository.Root, Command));

    private static void AssertInOrder(string said, params IEnumerable<string> texts)
    {
        var from = 0;
        foreach (var text in texts)
        {
            var at = said.IndexOf(text, from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"'{text}' is not said, or too early:\n{said}");
            from = at + text.Length;
        }
    }

    // Folders of the runtime itself (.dotnet, clr-debug-pipe) are not the script's.
    private static void AssertNothingIn(string folder) => Assert.Empty(Directory.GetFileSystemEntries(folder, "logline*"));

    private static async Task AssertNothingOnAsync(string provider)
    {
        var socket = Repository.Engine(provider)["unix://".Length..];
        using var engine = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
                return new NetworkStream(connection, ownsSocket: true);
            },
        });
        foreach (var list in (string[])["containers/json?all=true", "images/json"])
        {
            using var found = JsonDocument.Parse(await engine.GetStringAsync(new Uri("http://engine/" + list), TestContext.Current.CancellationToken));
            Assert.DoesNotContain("quickstart", found.RootElement.GetRawText(), StringComparison.Ordinal);
        }
    }
}
