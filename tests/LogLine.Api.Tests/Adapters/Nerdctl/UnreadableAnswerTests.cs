using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>A command line that ends well and says what cannot be read, or not all of it: an error, and neither an empty list nor a thing that is not there.</summary>
public sealed class UnreadableAnswerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-answer-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ListThatIsNoList_IsAnError()
    {
        using var engine = await EngineAsync("""
            case "$*" in *inspect*) echo "no such object: $*" >&2; exit 1 ;; *) echo 'WARN: the store is being moved' ;; esac
            """);

        Assert.All(
            [
                await FailureAsync(() => engine.ListAsync([("a", "b")], Cancel)), await FailureAsync(() => engine.ImagesAsync(Cancel)),
                await FailureAsync(() => engine.NetworksAsync("a=b", Cancel)), await FailureAsync(() => engine.VolumesAsync("a=b", Cancel)),
            ],
            failure => Assert.Equal(AdapterFailure.Unavailable, failure));
    }

    [Fact]
    public async Task AnswerThatIsEmpty_IsNotAThingThatIsNotThere()
    {
        using var engine = await EngineAsync("exit 0");

        Assert.All(
            [
                await FailureAsync(() => engine.InspectAsync("a", Cancel)), await FailureAsync(() => engine.FindImageAsync("a", Cancel)),
                await FailureAsync(() => engine.FindNetworkAsync("a", Cancel)), await FailureAsync(() => engine.FindVolumeAsync("a", Cancel)),
            ],
            failure => Assert.Equal(AdapterFailure.Unavailable, failure));
    }

    [Fact]
    public async Task AnswerOfWhichTheBeginningIsLost_IsAnError()
    {
        using var engine = await EngineAsync("for i in 1 2 3 4 5 6 7 8 9; do echo 'A /a/file'; done", EngineLimits.Default with { AnswerBytes = 50 });

        Assert.All([await FailureAsync(() => engine.ChangesAsync("a", Cancel)), await FailureAsync(() => engine.ProcessesAsync("a", Cancel))], failure => Assert.Equal(AdapterFailure.Unavailable, failure));
    }

    private static async Task<AdapterFailure> FailureAsync(Func<Task> act) => (await Assert.ThrowsAsync<AdapterException>(act)).Failure;

    private async Task<NerdctlEngine> EngineAsync(string script, EngineLimits? limits = null)
    {
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, "#!/bin/sh\n" + script + "\n", Cancel);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        return new NerdctlEngine(new NerdctlOptions { Binary = program }, limits ?? EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
    }
}
