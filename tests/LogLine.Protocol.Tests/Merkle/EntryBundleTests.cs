using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class EntryBundleTests
{
    [Fact]
    public void Bundle_HasEachEntryBehindItsLength()
    {
        byte[][] entries = ["ab"u8.ToArray(), [], [.. Enumerable.Repeat((byte)7, 300)]];
        var bundle = EntryBundle.Write(entries);
        Assert.Equal([0, 2, (byte)'a', (byte)'b', 0, 0, 1, 44, 7], bundle[..9]);
        Assert.True(EntryBundle.TryRead(bundle, out var read));
        Assert.Equal(entries, read);
        for (var length = 0; length < bundle.Length; length++)
        {
            var whole = length is 4 or 6;
            Assert.Equal(whole, EntryBundle.TryRead(bundle.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void BundleBeyondItsLimits_IsRefused()
    {
        Assert.False(EntryBundle.TryRead(new byte[2 * 257], out _));
        Assert.True(EntryBundle.TryRead(new byte[2 * 256], out var entries));
        Assert.Equal(256, entries.Count);
        Assert.Throws<ArgumentException>(() => EntryBundle.Write([]));
        Assert.Throws<ArgumentException>(() => EntryBundle.Write([.. Enumerable.Repeat(Array.Empty<byte>(), 257)]));
        Assert.Throws<ArgumentException>(() => EntryBundle.Write([new byte[65_536]]));
    }

    [Fact]
    public void BundlePath_IsTheTilesWithEntriesForItsLevel()
    {
        Assert.Equal("tile/entries/x001/x234/067.p/12", EntryBundle.Path(1_234_067, 12));
        Assert.True(EntryBundle.TryParsePath("tile/entries/x001/x234/067.p/12", out var index, out var width));
        Assert.Equal((1_234_067, 12), (index, width));
        Assert.False(EntryBundle.TryParsePath("tile/0/000", out _, out _));
        Assert.False(EntryBundle.TryParsePath("tile/entries/0", out _, out _));
        Assert.False(EntryBundle.TryParsePath("tile/entries/", out _, out _));
        Assert.False(TileId.TryParse("tile/entries/000", out _, out _));
    }
}
