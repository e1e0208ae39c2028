using System.Buffers;
using System.Text;

namespace LogLine.Protocol.Json;

/// <summary>
/// The members of an object in a canonical text, one after the other, each as a slice of its bytes: for who needs a few of them and no tree. Because the text is canonical
/// nothing is checked here but where a value ends.
/// </summary>
internal ref struct CanonicalMembers
{
    private static readonly SearchValues<byte> Marks = SearchValues.Create("\"{}[]"u8);

    private readonly ReadOnlySpan<byte> _text;
    private int _next;
    private bool _isEscaped;

    /// <summary>Stands before the first member.</summary>
    /// <param name="text">A canonical text.</param>
    /// <param name="start">Where in it the object begins.</param>
    public CanonicalMembers(ReadOnlySpan<byte> text, int start = 0)
    {
        _text = text;
        _next = start + 1;
    }

    /// <summary>Where in the text the member begins, with the quotation mark of its name.</summary>
    public int Start { get; private set; }

    /// <summary>Where its value begins.</summary>
    public int ValueStart { get; private set; }

    /// <summary>Where it has ended.</summary>
    public int End { get; private set; }

    /// <summary>The canonical bytes of the value.</summary>
    public readonly ReadOnlySpan<byte> Value => _text[ValueStart..End];

    /// <summary>The value as a text; null when it is none.</summary>
    public readonly string? Text =>
        Value is not [(byte)'"', .. var text, (byte)'"'] ? null : Encoding.UTF8.GetString(text.Contains((byte)'\\') ? CanonicalWriter.Unescape(text) : text);

    /// <summary>True when the value is an object.</summary>
    public readonly bool IsObject => _text[ValueStart] == (byte)'{';

    /// <summary>True when the member has this name.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name)
    {
        var own = _text[(Start + 1)..(ValueStart - 2)];
        return _isEscaped ? CanonicalWriter.Unescape(own).AsSpan().SequenceEqual(name) : own.SequenceEqual(name);
    }

    /// <summary>Goes to the next member; false when there is none.</summary>
    public bool MoveNext()
    {
        if (_text[_next] == (byte)'}')
        {
            return false;
        }
        Start = _text[_next] == (byte)',' ? _next + 1 : _next;
        ValueStart = EndOfText(Start, out _isEscaped) + 1;
        _next = End = EndOfValue(ValueStart);
        return true;
    }

    /// <summary>Goes to the member of this name; false when there is none from here on.</summary>
    public bool MoveTo(ReadOnlySpan<byte> name)
    {
        while (MoveNext())
        {
            if (Is(name))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Copies the whole text without this member into a buffer that has room for all of it; how many bytes these are.</summary>
    public readonly int CopyOthers(Span<byte> buffer)
    {
        // One comma goes with the member: the one behind it, or, when it is the last, the one before it.
        var (from, to) = _text[End] == (byte)',' ? (Start, End + 1) : _text[Start - 1] == (byte)',' ? (Start - 1, End) : (Start, End);
        _text[..from].CopyTo(buffer);
        _text[to..].CopyTo(buffer[from..]);
        return from + _text.Length - to;
    }

    private readonly int EndOfValue(int at) => _text[at] switch
    {
        (byte)'"' => EndOfText(at, out _),
        (byte)'{' or (byte)'[' => EndOfNested(at),
        _ => at + _text[at..].IndexOfAny((byte)',', (byte)'}'),
    };

    private readonly int EndOfText(int at, out bool isEscaped)
    {
        isEscaped = false;
        at++;
        while (true)
        {
            at += _text[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (_text[at] == (byte)'"')
            {
                return at + 1;
            }
            isEscaped = true;
            at += 2;
        }
    }

    private readonly int EndOfNested(int at)
    {
        var depth = 0;
        do
        {
            at += _text[at..].IndexOfAny(Marks);
            var mark = _text[at];
            depth += mark switch
            {
                (byte)'"' => 0,
                (byte)'{' or (byte)'[' => 1,
                _ => -1,
            };
            at = mark == (byte)'"' ? EndOfText(at, out _) : at + 1;
        }
        while (depth > 0);
        return at;
    }
}
