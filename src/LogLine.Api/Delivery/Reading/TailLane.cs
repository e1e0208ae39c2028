namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// Readers of a tail that are woken together. Many readers sit in several lanes, which are woken one after the other: what one lane writes is on its way before the next begins, so that thousands of
/// connections do not hold a buffer each in the same moment.
/// </summary>
internal sealed class TailLane
{
    /// <summary>How many sit in one.</summary>
    public const int Seats = 256;

    private readonly Lock _lock = new();
    private readonly List<ReaderSignal> _readers = [];

    /// <summary>Takes a seat; false when there is none.</summary>
    public bool TryEnter(ReaderSignal reader)
    {
        lock (_lock)
        {
            if (_readers.Count == Seats)
            {
                return false;
            }
            _readers.Add(reader);
            return true;
        }
    }

    /// <summary>Gives the seat back.</summary>
    public void Leave(ReaderSignal reader)
    {
        lock (_lock)
        {
            _readers.Remove(reader);
        }
    }

    /// <summary>Wakes who sits here; whoever is woken for nothing reads nothing and waits again.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            foreach (var reader in _readers)
            {
                reader.Set();
            }
        }
    }
}
