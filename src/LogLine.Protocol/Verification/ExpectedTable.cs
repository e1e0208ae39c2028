namespace LogLine.Protocol.Verification;

/// <summary>The rows that a table must have, as far as the log says so.</summary>
/// <param name="name">Name of the table.</param>
/// <param name="columns">The columns that the log determines; the first <paramref name="keys"/> name the row.</param>
/// <param name="keys">How many of them.</param>
internal sealed class ExpectedTable(string name, int keys, params string[] columns)
{
    /// <summary>A value that the log does not determine.</summary>
    public static readonly object Anything = new();

    private readonly Dictionary<string, object?[]> _rows = [];

    public string Name => name;

    /// <summary>Rows that the store has not shown yet.</summary>
    public int Count => _rows.Count;

    /// <summary>Adds a row; false when there is one of that key, which stays.</summary>
    public bool TryAdd(params object?[] values) => _rows.TryAdd(KeyOf(values), values);

    /// <summary>Adds a row in the place of the one with its key.</summary>
    public void Put(params object?[] values) => _rows[KeyOf(values)] = values;

    /// <summary>The values of a row, to be changed in place; null when there is none.</summary>
    public object?[]? Find(params ReadOnlySpan<object?> key) => _rows.GetValueOrDefault(KeyOf(key));

    /// <summary>Holds a stored row against what is expected, which it is no more.</summary>
    /// <param name="row">The row.</param>
    /// <param name="expected">What the log says of it.</param>
    /// <returns>Null, or which column differs; and null for <paramref name="expected"/> when the log knows no such row.</returns>
    public string? Take(StoredRow row, out object?[]? expected)
    {
        if (!_rows.Remove(KeyOf([.. columns.Take(keys).Select(column => row[column])]), out expected))
        {
            return null;
        }
        for (var i = 0; i < columns.Length; i++)
        {
            if (!ReferenceEquals(expected[i], Anything) && !Same(expected[i], row[columns[i]]))
            {
                return $"{columns[i]} is {Show(row[columns[i]])}, but the log says {Show(expected[i])}";
            }
        }
        return null;
    }

    /// <summary>Expects rows no longer.</summary>
    public void Forget(Func<object?[], bool> which)
    {
        foreach (var key in _rows.Where(row => which(row.Value)).Select(row => row.Key).ToList())
        {
            _rows.Remove(key);
        }
    }

    /// <summary>The name of a row that the store did not show; null when it showed all.</summary>
    public string? Missing() => _rows.Count == 0 ? null : $"{name} {_rows.Keys.Order(StringComparer.Ordinal).First().Replace('\n', '/')}";

    private string KeyOf(ReadOnlySpan<object?> values) => string.Join('\n', values[..keys]);

    private static bool Same(object? expected, object? found) => (expected, found) switch
    {
        (byte[] left, byte[] right) => left.AsSpan().SequenceEqual(right),
        _ => Equals(expected, found),
    };

    private static string Show(object? value) => value switch
    {
        null => "nothing",
        byte[] bytes => $"{bytes.Length} other bytes",
        string { Length: > 80 } text => $"'{text[..77]}…'",
        string text => $"'{text}'",
        _ => value.ToString()!,
    };
}
