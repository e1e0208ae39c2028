namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// Nonces that the table may hold, in two generations: new ones go into the newer, and the older is dropped once the table has forgotten all that it stands for.
/// So it never says "surely not" of a nonce that is remembered, and does not grow.
/// </summary>
internal sealed class RecentNonces
{
    private const int Bytes = 4 << 20; // two million nonces at 16 bits each
    private readonly Lock _lock = new();
    private Generation _older = new();
    private Generation _newer = new();

    /// <summary>Adds a nonce that is remembered until <paramref name="minute"/>.</summary>
    public void Add(ReadOnlySpan<char> nonce, long minute)
    {
        lock (_lock)
        {
            _newer.LastMinute = Math.Max(_newer.LastMinute, minute);
            _newer.Names.Add(nonce);
        }
    }

    /// <summary>False when the table surely does not hold the nonce.</summary>
    public bool MayHold(ReadOnlySpan<char> nonce)
    {
        // The newer first: should they move on in between, it is found again as the older.
        return Volatile.Read(ref _newer).Names.MayHold(nonce) || Volatile.Read(ref _older).Names.MayHold(nonce);
    }

    /// <summary>The table holds none of before <paramref name="minute"/> any more.</summary>
    public void Forget(long minute)
    {
        lock (_lock)
        {
            if (_older.LastMinute < minute && _newer.LastMinute > 0)
            {
                Volatile.Write(ref _older, _newer);
                Volatile.Write(ref _newer, new Generation());
            }
        }
    }

    private sealed class Generation
    {
        public NameFilter Names { get; } = new(Bytes);

        public long LastMinute { get; set; }
    }
}
