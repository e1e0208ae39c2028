namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// Names and nonces that this gateway has sent to the tables lately, in two generations, so that it never fills: the last million at least. What is not among them is nearly always new, unless
/// another gateway has written it.
/// </summary>
internal sealed class LatestNames
{
    private const int Generation = 1 << 20;
    private const int Bytes = 2 << 20; // 16 bits for each name
    private readonly Lock _lock = new();
    private NameFilter _older = new(Bytes);
    private NameFilter _newer = new(Bytes);
    private int _count;

    /// <summary>Adds a name.</summary>
    public void Add(string name)
    {
        lock (_lock)
        {
            if (_count++ == Generation)
            {
                Volatile.Write(ref _older, _newer);
                Volatile.Write(ref _newer, new NameFilter(Bytes));
                _count = 1;
            }
            _newer.Add(name);
        }
    }

    /// <summary>False when the name is surely not among them.</summary>
    public bool MayHold(string name) => Volatile.Read(ref _newer).MayHold(name) || Volatile.Read(ref _older).MayHold(name); // the newer first: should they move on in between, it is found as the older
}
