using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Settings;

namespace LogLine.Cli.Tests.Client;

public sealed class ReceiptArchiveTests : IDisposable
{
    private readonly Terminal _terminal = new();

    [Fact]
    public void Ack_IsKeptUnderTheNameOfItsSpanForTheOwnerAlone()
    {
        var archive = new ReceiptArchive(new HomeFolder(_terminal.Home), "default");
        var span = TestLog.Span();
        Assert.Null(archive.Store(Ack(TestLog.Ack(span)), span));
        var file = Assert.Single(archive.Files());
        Assert.Equal(span.This!["urn:span:".Length..] + ".json", Path.GetFileName(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void AckWhoseNameIsAPath_IsNotKept()
    {
        var archive = new ReceiptArchive(new HomeFolder(_terminal.Home), "default");
        archive.Store(Ack("""{"this":"urn:span:../../../../tmp/x"}"""), TestLog.Span());
        Assert.Empty(archive.Files());
    }

    [Fact]
    public void MoreThanTheLimit_LosesTheOldest()
    {
        var archive = new ReceiptArchive(new HomeFolder(_terminal.Home), "default");
        Directory.CreateDirectory(archive.Folder);
        for (var i = 0; i < ReceiptArchive.Keep; i++)
        {
            var file = Path.Combine(archive.Folder, $"{i:D5}.json");
            File.WriteAllText(file, "{}");
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddDays(i));
        }
        var span = TestLog.Span();
        archive.Store(Ack(TestLog.Ack(span)), span);
        var files = archive.Files();
        Assert.Equal(ReceiptArchive.Keep, files.Count);
        Assert.EndsWith("00001.json", files[0]);
        Assert.Contains(span.This!["urn:span:".Length..], files[^1]);
    }

    public void Dispose() => _terminal.Dispose();

    private static SpanAck Ack(string json) => new(JsonDocument.Parse(json).RootElement);
}
