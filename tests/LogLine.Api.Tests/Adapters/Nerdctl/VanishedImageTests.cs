using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>An image goes between the list of ids and the look at them, which fails for all then.</summary>
public sealed class VanishedImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ImageThatIsGone_IsNotInTheList_AndTheOthersAre()
    {
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, """
            #!/bin/sh
            case "$*" in
                version*) echo '{"Client":{"Version":"v2.0.0"}}' ;;
                images*) echo sha256:aa; echo sha256:gone; echo sha256:bb ;;
                *gone*) echo 'no such image: gone' >&2; exit 1 ;;
                *) shift 3; for id; do echo "{\"Id\":\"$id\",\"RepoTags\":[\"a:1\"],\"Size\":1,\"Created\":\"2026-01-01T00:00:00Z\"}"; done ;;
            esac
            """, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = program }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);

        Assert.Equal(["sha256:aa", "sha256:bb"], (await engine.ImagesAsync(TestContext.Current.CancellationToken)).Select(image => image.Id));
    }
}
