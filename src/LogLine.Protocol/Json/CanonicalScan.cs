using System.Buffers;

namespace LogLine.Protocol.Json;

/// <summary>
/// Recognises a text that is canonical as it stands, so that it need not be written anew (<see cref="CanonicalWriter"/>): most of what was stored, and what a client sends that
/// canonicalises itself. It looks at each byte once and says yes to plain text only, ASCII without escapes; everything else, faults above all, is left to the writer.
/// </summary>
internal ref struct CanonicalScan
{
    /// <summary>What stands in a JSON text between its quotes without an escape, as far as it is ASCII.</summary>
    public static readonly SearchValues<byte> Plain = SearchValues.Create([.. Enumerable.Range(0x20, 0x60).Select(value => (byte)value).Where(value => value is not ((byte)'"' or (byte)'\\'))]);

    // One digit more, and an integer may lie beyond ±(2^53 − 1).
    private const int SafeDigits = 15;

    private ReadOnlySpan<byte> _rest;

    /// <summary>True when the text is canonical; false says nothing.</summary>
    public static bool Recognises(ReadOnlySpan<byte> text)
    {
        var scan = new CanonicalScan { _rest = text };
        return scan.Value(0) && scan._rest.IsEmpty;
    }

    private bool Value(int depth) => _rest switch
    {
        [(byte)'"', ..] => Text(out _),
        [(byte)'{', ..] => depth < JsonLimits.Depth && Object(depth + 1),
        [(byte)'[', ..] => depth < JsonLimits.Depth && Array(depth + 1),
        [(byte)'t', ..] => Take("true"u8),
        [(byte)'f', ..] => Take("false"u8),
        [(byte)'n', ..] => Take("null"u8),
        _ => Integer(),
    };

    private bool Object(int depth)
    {
        _rest = _rest[1..];
        if (Take((byte)'}'))
        {
            return true;
        }
        ReadOnlySpan<byte> before = default;
        for (var count = 0; count < JsonLimits.Members; count++)
        {
            if (!Text(out var name) || (count > 0 && before.SequenceCompareTo(name) >= 0) || !Take((byte)':') || !Value(depth))
            {
                return false;
            }
            before = name;
            if (!Take((byte)','))
            {
                return Take((byte)'}');
            }
        }
        return false;
    }

    private bool Array(int depth)
    {
        _rest = _rest[1..];
        if (Take((byte)']'))
        {
            return true;
        }
        for (var count = 0; count < JsonLimits.Elements; count++)
        {
            if (!Value(depth))
            {
                return false;
            }
            if (!Take((byte)','))
            {
                return Take((byte)']');
            }
        }
        return false;
    }

    private bool Text(out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!Take((byte)'"'))
        {
            return false;
        }
        var length = _rest.IndexOfAnyExcept(Plain);
        if (length < 0 || _rest[length] != (byte)'"')
        {
            return false;
        }
        text = _rest[..length];
        _rest = _rest[(length + 1)..];
        return true;
    }

    private bool Integer()
    {
        var isNegative = Take((byte)'-');
        var count = _rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var digits = count < 0 ? _rest : _rest[..count];
        if (digits.Length is 0 or > SafeDigits || (digits[0] == (byte)'0' && (isNegative || digits.Length > 1)))
        {
            return false;
        }
        _rest = _rest[digits.Length..];
        return true;
    }

    private bool Take(byte expected)
    {
        if (_rest.IsEmpty || _rest[0] != expected)
        {
            return false;
        }
        _rest = _rest[1..];
        return true;
    }

    private bool Take(ReadOnlySpan<byte> expected)
    {
        if (!_rest.StartsWith(expected))
        {
            return false;
        }
        _rest = _rest[expected.Length..];
        return true;
    }
}
