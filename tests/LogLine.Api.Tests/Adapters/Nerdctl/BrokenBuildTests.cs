using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Tests.Artifacts;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>A build by a command line is broken off, and does its last step all the same: its name is whose it was before, be that another image's or nobody's.</summary>
public sealed class BrokenBuildTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-build-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData("sha256:old"), InlineData(null)]
    public async Task Name_IsWhoseItWas(string? before)
    {
        var (program, named) = (Path.Combine(_folder, "nerdctl"), Path.Combine(_folder, "named"));
        await File.WriteAllTextAsync(program, $$"""
            #!/bin/sh
            case "$*" in
                "image inspect"*) [ -e "{{named}}" ] && echo "[{\"Id\":\"$(cat "{{named}}")\"}]" || { echo 'no such image' >&2; exit 1; } ;;
                tag*) shift; [ "$1" = -- ] && shift; echo "$1" >"{{named}}" ;;
                rmi*) rm "{{named}}" ;;
                *build*) : >"{{_folder}}/begun"; until [ -e "{{_folder}}/go" ]; do sleep 0.02; done; echo sha256:new >"{{named}}" ;;
                *) exit 1 ;;
            esac
            """, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        if (before is not null)
        {
            await File.WriteAllTextAsync(named, before, TestContext.Current.CancellationToken);
        }
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = program }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
        using var wanted = new CancellationTokenSource();
        var order = new BuildOrder("localhost/dev/app:1", "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromHours(1));

        var building = engine.BuildAsync(order, new MemoryStream(Tars.Of(("Dockerfile", "FROM scratch\n"))), _ => Task.CompletedTask, wanted.Token);
        await Patience.UntilAsync("its beginning", () => File.Exists(Path.Combine(_folder, "begun")));
        await wanted.CancelAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "go"), "", TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);

        Assert.Equal(before, File.Exists(named) ? (await File.ReadAllTextAsync(named, TestContext.Current.CancellationToken)).Trim() : null);
    }
}
