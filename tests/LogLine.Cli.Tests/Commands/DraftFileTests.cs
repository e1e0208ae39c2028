using LogLine.Cli.Commands;

namespace LogLine.Cli.Tests.Commands;

/// <summary>What is written as a draft takes its name when it is whole, whatever has the name already.</summary>
public sealed class DraftFileTests : IDisposable
{
    private const string Artifact = "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private readonly Terminal _terminal = new();

    [Theory, InlineData(true), InlineData(false)]
    public void Link_LeadsOn(bool isThere)
    {
        var (target, link) = (_terminal.At("target"), _terminal.At("link"));
        if (isThere)
        {
            File.WriteAllText(target, "older and longer");
        }
        File.CreateSymbolicLink(link, target);

        using (var draft = new DraftFile(link))
        {
            File.WriteAllText(draft.Path, "new");
            draft.Keep();
        }
        Assert.Equal(("new", target), (File.ReadAllText(target), new FileInfo(link).LinkTarget));
        Assert.False(File.Exists(link + ".part"));
    }

    [Fact]
    public void DraftThatIsNotKept_Goes_AndWhatWasThereStays()
    {
        var path = _terminal.Write("file", "old");

        using (var draft = new DraftFile(path))
        {
            File.WriteAllText(draft.Path, "new");
        }
        Assert.Equal("old", File.ReadAllText(path));
        Assert.False(File.Exists(path + ".part"));
    }

    /// <summary>Where the draft is to be, and no more: what is written there is this machine's.</summary>
    [Theory]
    [InlineData("/dev/null", false)]
    [InlineData("/dev/stdout", false)]
    [InlineData("/dev/shm/x", true)]
    [InlineData("x/", true)]
    public void Draft_IsBesideItsFile_ButNotBesideADevice(string path, bool isBeside)
    {
        using var draft = new DraftFile(path);

        Assert.Equal(isBeside, draft.Path == path.TrimEnd('/') + ".part");
        Assert.Equal(isBeside, !draft.Path.StartsWith(Path.GetTempPath(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task FolderThatIsNotThere_IsNoDefect()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Json(http, "{}"));
        gateway.Enrol(_terminal);

        var said = (await _terminal.RunAsync("artifacts", "get", Artifact, "--out", _terminal.At("nowhere/x"))).Expect(1);
        Assert.StartsWith("logline: " + _terminal.At("nowhere/x"), said.Errors);
        Assert.DoesNotContain("[defect]", said.Errors);
    }

    public void Dispose() => _terminal.Dispose();
}
