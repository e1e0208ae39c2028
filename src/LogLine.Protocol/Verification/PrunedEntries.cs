namespace LogLine.Protocol.Verification;

/// <summary>Which entries of a log are not kept, as ranges: nearly all below the minimum index, but for those that state stands on. They are added in the order of the log.</summary>
internal sealed class PrunedEntries
{
    private readonly List<(long First, long Last)> _ranges = [];

    /// <summary>How many.</summary>
    public long Count { get; private set; }

    /// <summary>The last of them; -1 when there is none.</summary>
    public long Last => _ranges.Count == 0 ? -1 : _ranges[^1].Last;

    /// <summary>Adds one that comes behind all others.</summary>
    public void Add(long index)
    {
        Count++;
        if (_ranges.Count > 0 && Last == index - 1)
        {
            _ranges[^1] = (_ranges[^1].First, index);
            return;
        }
        _ranges.Add((index, index));
    }

    /// <summary>True for one that is not kept.</summary>
    public bool Contains(long index)
    {
        var (low, high) = (0, _ranges.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (index < _ranges[middle].First)
            {
                high = middle - 1;
            }
            else if (index > _ranges[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }
        return false;
    }
}
