using System.Diagnostics;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>A build by a command line that builds in its own process, as Podman's does where it is not told of a service: what it was at ends with it, and nothing that it worked in is left.</summary>
public sealed class LocalBuildTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Its client wants it to end in the middle of a command that would not end when it is asked.</summary>
    [Fact]
    public async Task BuildThatIsCancelled_LeavesNothing()
    {
        const string Variable = "LOGLINE_TEST_PODMAN_COMMAND";
        if (Environment.GetEnvironmentVariable(Variable)?.Split(' ') is not { } client)
        {
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", $"{Variable} names no command of the engine; tests/run does.");
            Assert.Skip($"{Variable} names no command of the engine; tests/run does.");
            return;
        }
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = client[0], Arguments = [.. client[1..]] }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
        var name = "local-" + Guid.NewGuid().ToString("N")[..8];
        var (image, tag) = ($"localhost/{name}:base", $"localhost/{name}:1");
        await engine.TagAsync((await engine.FindImageAsync(EngineLab.TestImage, Cancel))!.Id, ImageReference.Parse(image), Cancel);
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var context = new MemoryStream(Tars.Of(("Dockerfile", $"FROM {image}\nRUN trap '' TERM; sleep 3600; echo {name}\n")));
            var order = new BuildOrder(tag, "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromHours(1));

            var building = engine.BuildAsync(order, context, _ => Task.CompletedTask, stop.Token);
            await Hosting.Patience.UntilAsync("the command", () => building.IsCompleted || Processes(name).Any(line => line.StartsWith("/bin/sh", StringComparison.Ordinal)));
            Assert.Contains(name, await ContainersAsync(client));
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);

            Assert.Empty(Processes(name));
            Assert.DoesNotContain(name, await ContainersAsync(client));
            Assert.Null(await engine.FindImageAsync(tag, Cancel));
        }
        finally
        {
            await engine.UntagAsync(image, CancellationToken.None);
        }
    }

    /// <summary>Command lines that have a word in them.</summary>
    private static IEnumerable<string> Processes(string word) => ProcessTree.All().Select(pid => ProcessTree.Read($"/proc/{pid}/cmdline")).Where(line => line.Contains(word, StringComparison.Ordinal));

    /// <summary>All that the engine has, with what builds work in.</summary>
    private static async Task<string> ContainersAsync(string[] client)
    {
        using var process = Process.Start(new ProcessStartInfo(client[0], [.. client[1..], "ps", "--all", "--no-trunc", "--external"]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.Equal(0, process.ExitCode);
        return said;
    }
}
