namespace LogLine.Protocol.Verification;

/// <summary>A table of a store: its name, its columns in the order in which their values are digested, and which of them are the key.</summary>
/// <param name="Name">The name, for example <c>keys</c>.</param>
/// <param name="Columns">The columns, without <c>digest</c>.</param>
/// <param name="Key">Places of the primary key's columns, in its order. Rows come in ascending order of them.</param>
public sealed record RowTable(string Name, IReadOnlyList<string> Columns, IReadOnlyList<int> Key)
{
    /// <summary>The place of a column; -1 when the table has none of that name.</summary>
    public int Place(string column)
    {
        for (var i = 0; i < Columns.Count; i++)
        {
            if (Columns[i] == column)
            {
                return i;
            }
        }
        return -1;
    }
}

/// <summary>
/// A row as a store keeps it: what an export carries and what a verification reads. Every store gives the same rows for the same ledger, whatever types its
/// engine has.
/// </summary>
/// <param name="Table">Its table.</param>
/// <param name="Values">By column: null, <see cref="long"/> (also for truth values and for times, in milliseconds since 1970), <see cref="string"/> or <c>byte[]</c>.</param>
/// <param name="Digest">What the store keeps beside the values; null when there is none.</param>
public sealed record StoredRow(RowTable Table, object?[] Values, long? Digest)
{
    /// <summary>The value of a column, or null.</summary>
    public object? this[string column] => Table.Place(column) is >= 0 and var place ? Values[place] : null;

    /// <summary>Table and key, for messages: <c>keys dev/kid_1</c>.</summary>
    public string Name => $"{Table.Name} {string.Join('/', Table.Key.Select(place => Values[place]))}";

    /// <summary>Below 0 when this row's key comes before the other's in the table, 0 when they are equal.</summary>
    public int CompareKey(StoredRow other)
    {
        foreach (var place in Table.Key)
        {
            var order = (Values[place], other.Values[place]) switch
            {
                (long left, long right) => left.CompareTo(right),
                (string left, string right) => string.CompareOrdinal(left, right),
                (byte[] left, byte[] right) => left.AsSpan().SequenceCompareTo(right),
                _ => 0,
            };
            if (order != 0)
            {
                return order;
            }
        }
        return 0;
    }
}
