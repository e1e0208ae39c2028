using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Tests.Delivery.Tlog;

/// <summary>
/// A reader of C2SP tlog-tiles written from the specifications alone: of this repository it uses the signature and nothing of the tree. It fetches the
/// checkpoint and every tile that the tree of its size has, holds each full tile against the level above, and computes by RFC 6962, section 2.1.
/// </summary>
internal sealed class TlogReader
{
    private readonly List<byte[]> _leaves;
    private readonly Dictionary<(int, int), byte[]> _known = [];

    private TlogReader(string origin, int size, List<byte[]> leaves) => (Origin, Size, _leaves) = (origin, size, leaves);

    public string Origin { get; }

    public int Size { get; }

    public byte[] Leaf(int index) => _leaves[index];

    /// <summary>Reads the log as it is now and verifies it under the log's key.</summary>
    public static async Task<TlogReader> ReadAsync(HttpClient client, byte[] logKey)
    {
        var note = await client.GetStringAsync("/tlog/checkpoint", TestContext.Current.CancellationToken);
        var parts = note.Split("\n\n");
        var lines = parts[0].Split('\n');
        var signature = Convert.FromBase64String(parts[1].Split('\n')[0].Split(' ')[2]);
        Assert.True(Ed25519.Verify(logKey, Encoding.UTF8.GetBytes(parts[0] + "\n"), signature.AsSpan(4)));
        var size = int.Parse(lines[1], CultureInfo.InvariantCulture);

        var levels = new List<List<byte[]>>();
        for (var level = 0; size >> (8 * level) > 0; level++)
        {
            levels.Add(await LevelAsync(client, level, size >> (8 * level)));
        }
        for (var level = 1; level < levels.Count; level++)
        {
            for (var tile = 0; tile < levels[level].Count; tile++)
            {
                Assert.Equal(new TlogReader("", 0, levels[level - 1]).Mth(tile * 256, (tile + 1) * 256), levels[level][tile]);
            }
        }
        var reader = new TlogReader(lines[0], size, levels[0]);
        Assert.Equal(Convert.FromBase64String(lines[2]), reader.Root(size));
        return reader;
    }

    /// <summary>A tile's path from the specification's words: groups of three digits, all but the last behind an x.</summary>
    public static string Path(string level, int tile, int width)
    {
        var digits = tile.ToString(CultureInfo.InvariantCulture);
        digits = digits.PadLeft((digits.Length + 2) / 3 * 3, '0');
        var groups = Enumerable.Range(0, digits.Length / 3).Select(i => digits.Substring(3 * i, 3)).ToList();
        var path = string.Join('/', groups.Select((group, i) => i < groups.Count - 1 ? "x" + group : group));
        return $"/tlog/tile/{level}/{path}{(width == 256 ? "" : $".p/{width}")}";
    }

    public byte[] Root(int size) => Mth(0, size);

    /// <summary>RFC 6962, section 2.1.1.</summary>
    public List<byte[]> InclusionProof(int index, int size) => AuditPath(index, 0, size);

    /// <summary>RFC 6962, section 2.1.2.</summary>
    public List<byte[]> ConsistencyProof(int from, int to) => from == to ? [] : SubProof(from, 0, to, true);

    private static async Task<List<byte[]>> LevelAsync(HttpClient client, int level, int count)
    {
        var hashes = new List<byte[]>();
        for (var tile = 0; tile * 256 < count; tile++)
        {
            var width = Math.Min(256, count - (tile * 256));
            var bytes = await client.GetByteArrayAsync(Path(level.ToString(CultureInfo.InvariantCulture), tile, width), TestContext.Current.CancellationToken);
            Assert.Equal(32 * width, bytes.Length);
            hashes.AddRange(bytes.Chunk(32));
        }
        return hashes;
    }

    private byte[] Mth(int start, int end)
    {
        if (end - start == 1)
        {
            return _leaves[start];
        }
        if (!_known.TryGetValue((start, end), out var hash))
        {
            var split = Split(start, end);
            _known[(start, end)] = hash = SHA256.HashData([1, .. Mth(start, split), .. Mth(split, end)]);
        }
        return hash;
    }

    private List<byte[]> AuditPath(int index, int start, int end)
    {
        if (end - start == 1)
        {
            return [];
        }
        var split = Split(start, end);
        return index < split ? [.. AuditPath(index, start, split), Mth(split, end)] : [.. AuditPath(index, split, end), Mth(start, split)];
    }

    private List<byte[]> SubProof(int size, int start, int end, bool whole)
    {
        if (size == end)
        {
            return whole ? [] : [Mth(start, end)];
        }
        var split = Split(start, end);
        return size <= split ? [.. SubProof(size, start, split, whole), Mth(split, end)] : [.. SubProof(size, split, end, false), Mth(start, split)];
    }

    private static int Split(int start, int end)
    {
        var half = 1;
        while (half * 2 < end - start)
        {
            half *= 2;
        }
        return start + half;
    }
}
