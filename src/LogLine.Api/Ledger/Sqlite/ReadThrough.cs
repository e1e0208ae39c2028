using System.Collections.Concurrent;

namespace LogLine.Api.Ledger.Sqlite;

/// <summary>
/// Rows that were read before and are as they were: a commit that changes some has them read again (<see cref="Refresh"/>) before anybody hears of it.
/// Only an embedded store may keep such rows, since nobody but its own process writes to the file.
/// </summary>
/// <param name="most">Most keys that are kept; one more, and it begins anew.</param>
internal sealed class ReadThrough<TKey, TRows>(int most) where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, TRows> _rows = new();
    private readonly Lock _lock = new();
    private long _version;

    /// <summary>The rows of a key: kept ones, or read now.</summary>
    public TRows Get(TKey key, Func<TKey, TRows> read)
    {
        if (_rows.TryGetValue(key, out var known))
        {
            return known;
        }
        var version = Volatile.Read(ref _version);
        var rows = read(key);
        lock (_lock)
        {
            if (version == _version) // else they may be from before a commit
            {
                if (_rows.Count >= most)
                {
                    _rows.Clear();
                }
                _rows[key] = rows;
            }
        }
        return rows;
    }

    /// <summary>A commit has changed rows of this key: whoever asked for it before will again.</summary>
    public void Refresh(TKey key, Func<TKey, TRows> read)
    {
        lock (_lock)
        {
            _version++;
            if (_rows.ContainsKey(key))
            {
                _rows[key] = read(key);
            }
        }
    }

    /// <summary>Anything may have changed.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _version++;
            _rows.Clear();
        }
    }
}
