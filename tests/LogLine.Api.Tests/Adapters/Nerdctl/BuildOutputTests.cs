using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Artifacts;
using LogLine.Api.Tests.Artifacts;
using System.Formats.Tar;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>A build by a command line: what it says, and what it is given.</summary>
public sealed class BuildOutputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-said-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A line that is read is heard before the next one is: what piled up in between would be all that a build says, many times over.</summary>
    [Fact]
    public async Task LinesDoNotPileUp()
    {
        using var engine = await EngineAsync("seq 2000");
        var (lines, inside) = (0, 0);

        await BuildAsync(engine, Tars.Of(("Dockerfile", "FROM scratch\n")), line =>
        {
            // Told by whoever reads it: what has to wait for its turn is told by a task of its own.
            inside += Task.CurrentId is null ? 1 : 0;
            lines++;
            return Task.CompletedTask;
        });

        Assert.Equal((2000, 2000), (lines, inside));
    }

    public static TheoryData<string> Contexts => ["a hard link to nothing", "a folder in a file", "a file in place of a folder", "a name that no file system takes"];

    [Theory, MemberData(nameof(Contexts))]
    public async Task ContextThatCannotBeUnpacked_IsMalformed(string what)
    {
        using var engine = await EngineAsync("exit 0");
        var tar = what switch
        {
            "a hard link to nothing" => Tars.Of(Tars.Link("h", "missing", TarEntryType.HardLink)),
            "a folder in a file" => Tars.Of(("a", "x"), ("a/b", "x")),
            "a file in place of a folder" => Tars.Of(("a/b", "x"), ("a", "x")),
            _ => Tars.Of((new string('n', 300), "x")),
        };

        var refused = await Assert.ThrowsAsync<ArtifactException>(() => BuildAsync(engine, tar, _ => Task.CompletedTask));

        Assert.Equal(ArtifactFailure.Malformed, refused.Failure);
        Assert.DoesNotContain(Path.GetTempPath(), refused.Message);
    }

    private static Task BuildAsync(NerdctlEngine engine, byte[] context, Func<string, Task> said) => engine.BuildAsync(
        new BuildOrder("localhost/dev/app:1", "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromHours(1)), new MemoryStream(context), said, Cancel);

    private async Task<NerdctlEngine> EngineAsync(string build)
    {
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, $$"""
            #!/bin/sh
            case "$*" in
                *inspect*) echo 'no such image' >&2; exit 1 ;;
                *) {{build}} ;;
            esac
            """, Cancel);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        return new NerdctlEngine(new NerdctlOptions { Binary = program }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
    }
}
