using System.Diagnostics;
using System.IO.Pipes;
using LogLine.Cli.Commands;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Tests.Commands;

/// <summary>What is written as a draft takes its name when it is whole, whatever has the name already.</summary>
public sealed class DraftFileTests : IDisposable
{
    private const string Artifact = "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly byte[] Content = "whatever was made"u8.ToArray();

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

    /// <summary>A device of this process alone: nothing of this machine's is written over, whatever is wrong.</summary>
    [Fact]
    public async Task Device_IsWrittenInto()
    {
        await using var gateway = await StartAsync();
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = reader.ClientSafePipeHandle;
        var device = $"/dev/fd/{writer.DangerousGetHandle()}";

        (await _terminal.RunAsync("artifacts", "get", ContentHash.Of(Content), "--out", device)).Expect(0);

        var read = new byte[Content.Length];
        await reader.ReadExactlyAsync(read, TestContext.Current.CancellationToken);
        Assert.Equal(Content, read);
    }

    /// <summary>Wherever it lies, it stays one, and who reads it gets what was fetched.</summary>
    [Fact]
    public async Task NamedPipe_IsWrittenInto()
    {
        await using var gateway = await StartAsync();
        var (pipe, copy) = (_terminal.At("pipe"), _terminal.At("copy"));
        using var reader = Process.Start("/bin/sh", ["-c", "mkfifo \"$0\" && exec cat \"$0\" >\"$1\"", pipe, copy]);
        var stop = TestContext.Current.CancellationToken;
        try
        {
            while (!File.Exists(pipe))
            {
                await Task.Delay(10, stop);
            }
            (await _terminal.RunAsync("artifacts", "get", ContentHash.Of(Content), "--out", pipe)).Expect(0);

            Assert.Equal(0, new FileInfo(pipe).Length); // a pipe has none
            await reader.WaitForExitAsync(stop);
            Assert.Equal(Content, await File.ReadAllBytesAsync(copy, stop));
        }
        finally
        {
            reader.Kill();
        }
        Assert.False(File.Exists(pipe + ".part"));
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

    /// <summary>A gateway that has one artifact.</summary>
    private async Task<FaultyGateway> StartAsync()
    {
        var gateway = await FaultyGateway.StartAsync((http, _, _) => http.Response.Body.WriteAsync(Content).AsTask());
        gateway.Enrol(_terminal);
        return gateway;
    }
}
