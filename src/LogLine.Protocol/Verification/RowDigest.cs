using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Verification;

/// <summary>
/// What every row carries that the log's own hashes do not cover, so that a bit that flips in it is noticed: the first eight bytes, big-endian, of the SHA-256 of
/// <code>
/// name of the table ‖ for each column, in order: LF, and when the value is not null: its length in bytes, decimal ‖ ":" ‖ the value
/// </code>
/// with texts in UTF-8, integers in decimal (truth values as 0 and 1), bytes in lower-case hex. Both engines compute it themselves when they write the row (a generated
/// column), so that nothing that writes can forget it. A digest guards against accidents; whoever can write rows can write digests, and what can be derived from the
/// log is therefore compared with it besides (<see cref="LedgerAudit"/>).
/// </summary>
public static class RowDigest
{
    /// <summary>The columns of <c>entries</c> that the log itself vouches for: they are left out of its digests.</summary>
    public static bool IsOfTheLog(string table, string column) => table == "entries" && column is "entry" or "span";

    /// <summary>The tables without digests: what is wrong in them contradicts the log.</summary>
    public static bool IsNeeded(string table) => table is not ("tiles" or "head");

    /// <summary>The digest that a row has to have.</summary>
    /// <exception cref="ArgumentException">A value is of a type that rows do not have.</exception>
    public static long Of(StoredRow row)
    {
        var digest = new RowDigestWriter(row.Table.Name, stackalloc byte[1024]);
        for (var place = 0; place < row.Values.Length; place++)
        {
            if (IsOfTheLog(row.Table.Name, row.Table.Columns[place]))
            {
                continue;
            }
            switch (row.Values[place])
            {
                case null:
                    digest.Null();
                    break;
                case long number:
                    digest.Integer(number);
                    break;
                case string text:
                    digest.Text(text.AsSpan());
                    break;
                case byte[] bytes:
                    digest.Bytes(bytes);
                    break;
                case var other:
                    throw new ArgumentException($"A row holds no {other.GetType().Name}.", nameof(row));
            }
        }
        return digest.End();
    }
}

/// <summary>Puts the text of a row together and hashes it (<see cref="RowDigest"/>). Most rows fit into the caller's room.</summary>
public ref struct RowDigestWriter
{
    private const int LongestNumber = 20;
    private Span<byte> _room;
    private int _length;

    /// <summary>Begins with the table's name.</summary>
    public RowDigestWriter(ReadOnlySpan<char> table, Span<byte> room)
    {
        _room = room;
        Encoding.UTF8.GetBytes(table, Next(Encoding.UTF8.GetByteCount(table)));
    }

    /// <summary>Begins with the table's name in UTF-8.</summary>
    public RowDigestWriter(ReadOnlySpan<byte> table, Span<byte> room)
    {
        _room = room;
        table.CopyTo(Next(table.Length));
    }

    /// <summary>No value.</summary>
    public void Null() => Next(1)[0] = (byte)'\n';

    /// <summary>An integer.</summary>
    public void Integer(long value)
    {
        Span<byte> digits = stackalloc byte[LongestNumber];
        _ = Utf8Formatter.TryFormat(value, digits, out var count);
        Text(digits[..count]);
    }

    /// <summary>A text in UTF-8.</summary>
    public void Text(scoped ReadOnlySpan<byte> value)
    {
        Begin(value.Length);
        value.CopyTo(Next(value.Length));
    }

    /// <summary>A text.</summary>
    public void Text(scoped ReadOnlySpan<char> value)
    {
        var count = Encoding.UTF8.GetByteCount(value);
        Begin(count);
        Encoding.UTF8.GetBytes(value, Next(count));
    }

    /// <summary>Bytes.</summary>
    public void Bytes(scoped ReadOnlySpan<byte> value)
    {
        Begin(2 * value.Length);
        _ = Convert.TryToHexStringLower(value, Next(2 * value.Length), out _);
    }

    /// <summary>The digest.</summary>
    public readonly long End()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        ShortSha256.Hash(_room[.._length], hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }

    private void Begin(int length)
    {
        Span<byte> digits = stackalloc byte[LongestNumber];
        _ = Utf8Formatter.TryFormat(length, digits, out var count);
        var next = Next(count + 2);
        next[0] = (byte)'\n';
        digits[..count].CopyTo(next[1..]);
        next[^1] = (byte)':';
    }

    private Span<byte> Next(int count)
    {
        if (_length + count > _room.Length)
        {
            var larger = new byte[Math.Max(2 * _room.Length, _length + count)];
            _room[.._length].CopyTo(larger);
            _room = larger;
        }
        _length += count;
        return _room.Slice(_length - count, count);
    }
}
