using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>Nobody waits any more for a container to stop: the command that stops it goes on all the same, and is not left half done.</summary>
public sealed class CancelledStopTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-stop-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData("stop"), InlineData("restart")]
    public async Task CommandGoesOn(string verb)
    {
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, $"""
            #!/bin/sh
            [ "$1" = {verb} ] || exit 0
            : >"{_folder}/begun"
            until [ -e "{_folder}/go" ]; do sleep 0.02; done
            : >"{_folder}/done"
            """, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = program }, EngineLimits.Default with { Connections = 1 }, RegistryCredentials.Of([]), TimeProvider.System);
        using var wanted = new CancellationTokenSource();

        var ending = verb == "stop" ? engine.StopAsync("x", 10, wanted.Token) : engine.RestartAsync("x", 10, wanted.Token);
        await Patience.UntilAsync("its beginning", () => File.Exists(Path.Combine(_folder, "begun")));
        await wanted.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ending);
        await engine.KillAsync("x", "SIGKILL", TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken); // by whoever lost patience
        await File.WriteAllTextAsync(Path.Combine(_folder, "go"), "", TestContext.Current.CancellationToken);

        await Patience.UntilAsync("its end", () => File.Exists(Path.Combine(_folder, "done")));
        File.Delete(Path.Combine(_folder, "begun"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.StopAsync("x", 10, wanted.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.RestartAsync("x", 10, wanted.Token));
        Assert.False(File.Exists(Path.Combine(_folder, "begun")), "What nobody wanted any more was begun.");
    }
}
