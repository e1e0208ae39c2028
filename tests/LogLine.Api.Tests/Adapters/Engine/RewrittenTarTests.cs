using System.Formats.Tar;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Artifacts;
using LogLine.Api.Tests.Artifacts;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A tar that is written anew says what the first one said.</summary>
public sealed class RewrittenTarTests
{
    [Fact]
    public async Task WhatMayPass_IsTheSame()
    {
        var large = new byte[3 << 20];
        new Random(3).NextBytes(large);
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        byte[] tar =
        [
            .. Tars.Of(
                new PaxTarEntry(TarEntryType.RegularFile, "large") { DataStream = new MemoryStream(large), Mode = UnixFileMode.UserRead | UnixFileMode.SetUser, Uid = 7, Gid = 8, ModificationTime = time },
                Tars.Link("link", "large"), Tars.Link("hard", "large", TarEntryType.HardLink), new PaxTarEntry(TarEntryType.Directory, "folder") { Mode = UnixFileMode.UserExecute }, new PaxTarEntry(TarEntryType.RegularFile, "ação/" + new string('n', 200)))[..^1024],
            .. Tars.Old("old/", []), .. Tars.Old("old/file", [1]), .. new byte[1024],
        ];
        using var written = new MemoryStream();

        Assert.Empty(await RewrittenTar.WriteAsync(new MemoryStream(tar), written, new TarContents(1 << 30), TestContext.Current.CancellationToken));

        var (before, after) = (Entries(tar), Entries(written.ToArray()));
        Assert.Equal(before.Select(entry => (entry.Name, entry.Mode, entry.Uid, entry.Gid, entry.ModificationTime, entry.LinkName)), after.Select(entry => (entry.Name, entry.Mode, entry.Uid, entry.Gid, entry.ModificationTime, entry.LinkName)));
        Assert.Equal(
            [TarEntryType.RegularFile, TarEntryType.SymbolicLink, TarEntryType.HardLink, TarEntryType.Directory, TarEntryType.RegularFile, TarEntryType.Directory, TarEntryType.RegularFile], after.Select(entry => entry.EntryType));
        Assert.Equal(large, ((MemoryStream)after[0].DataStream!).ToArray());
        Assert.Equal([1], ((MemoryStream)after[^1].DataStream!).ToArray());
    }

    private static List<TarEntry> Entries(byte[] tar)
    {
        using var reader = new TarReader(new MemoryStream(tar));
        var entries = new List<TarEntry>();
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            entries.Add(entry);
        }
        return entries;
    }
}
