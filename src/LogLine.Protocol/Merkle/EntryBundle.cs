using System.Buffers.Binary;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// The entries under one tile of level 0 (C2SP tlog-tiles): up to 256, each with its length before it as a big-endian 16-bit number.
/// Bundle N holds the entries from 256·N on.
/// </summary>
public static class EntryBundle
{
    /// <summary>Bytes in one entry.</summary>
    public const int MaxEntryBytes = ushort.MaxValue;

    private const string Prefix = "tile/entries/";

    /// <summary>The path under the log's prefix: <c>tile/entries/x001/x234/067</c>, and with a width below 256 the partial bundle's.</summary>
    /// <param name="index">Place of the bundle, from 0.</param>
    /// <param name="width">Entries in the bundle, 1 to 256.</param>
    /// <exception cref="ArgumentOutOfRangeException">The width is not from 1 to 256.</exception>
    public static string Path(long index, int width = TileId.FullWidth) => Prefix + TilePath.Write(index, width);

    /// <summary>Reads what <see cref="Path"/> writes, and only the one spelling of each bundle.</summary>
    public static bool TryParsePath(string path, out long index, out int width)
    {
        (index, width) = (0, 0);
        return path is not null && path.StartsWith(Prefix, StringComparison.Ordinal) && TilePath.TryParse(path.AsSpan(Prefix.Length), out index, out width);
    }

    /// <summary>The bundle of these entries.</summary>
    /// <exception cref="ArgumentException">There are none or more than 256, or one is longer than 65,535 bytes.</exception>
    public static byte[] Write(IReadOnlyList<byte[]> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count is < 1 or > TileId.FullWidth || entries.Any(entry => entry.Length > MaxEntryBytes))
        {
            throw new ArgumentException($"A bundle has 1 to {TileId.FullWidth} entries of at most {MaxEntryBytes} bytes.", nameof(entries));
        }
        var bundle = new byte[entries.Sum(entry => sizeof(ushort) + entry.Length)];
        var rest = bundle.AsSpan();
        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)entry.Length);
            entry.CopyTo(rest[sizeof(ushort)..]);
            rest = rest[(sizeof(ushort) + entry.Length)..];
        }
        return bundle;
    }

    /// <summary>Reads a bundle. False when it is empty, ends inside an entry, or holds more than 256.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bundle, out IReadOnlyList<byte[]> entries)
    {
        var read = new List<byte[]>();
        entries = [];
        while (!bundle.IsEmpty)
        {
            if (read.Count == TileId.FullWidth || !BinaryPrimitives.TryReadUInt16BigEndian(bundle, out var length) || bundle.Length < sizeof(ushort) + length)
            {
                return false;
            }
            read.Add(bundle.Slice(sizeof(ushort), length).ToArray());
            bundle = bundle[(sizeof(ushort) + length)..];
        }
        entries = read;
        return read.Count > 0;
    }
}
