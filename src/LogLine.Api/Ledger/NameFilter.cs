namespace LogLine.Api.Ledger;

/// <summary>
/// A Bloom filter in blocks of one cache line (Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters"): says of a name that it was surely never
/// added, or that it may have been. Its size is fixed; the fuller it is, the more often it says "may have been", and the table is asked.
/// </summary>
/// <param name="bytes">Its size, a power of two. With 16 bits for each name it is wrong about one new name in 500, with 4 bits about one in 6.</param>
internal sealed class NameFilter(int bytes)
{
    private const int WordsPerBlock = 8;
    private const int Probes = 4;
    private readonly ulong[] _words = new ulong[bytes / sizeof(ulong)];

    /// <summary>Adds a name. Any thread may.</summary>
    public void Add(ReadOnlySpan<char> name)
    {
        var (block, bits) = Place(name);
        for (var probe = 0; probe < Probes; probe++, bits >>= 9)
        {
            Interlocked.Or(ref _words[block + (int)(bits >> 6 & 7)], 1UL << (int)(bits & 63));
        }
    }

    /// <summary>False when the name was surely never added.</summary>
    public bool MayHold(ReadOnlySpan<char> name)
    {
        var (block, bits) = Place(name);
        for (var probe = 0; probe < Probes; probe++, bits >>= 9)
        {
            if ((Volatile.Read(ref _words[block + (int)(bits >> 6 & 7)]) & (1UL << (int)(bits & 63))) == 0)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Which block, and nine bits for each probe in it. The runtime's hash of strings is keyed in each process anew: nobody can choose names that collide.</summary>
    private (int Block, ulong Bits) Place(ReadOnlySpan<char> name)
    {
        var (one, other) = ((uint)string.GetHashCode(name), (uint)string.GetHashCode(name[Math.Min(1, name.Length)..]));
        return ((int)(one % (uint)(_words.Length / WordsPerBlock)) * WordsPerBlock, ((ulong)other << 32 | one) >> 28);
    }
}
