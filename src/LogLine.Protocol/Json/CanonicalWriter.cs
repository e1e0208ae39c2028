using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LogLine.Protocol.Json;

/// <summary>
/// Rewrites a JSON text into canonical form in one pass over one buffer: values are copied as they come, and when an object ends
/// its members are put in order in place, which leaves the length as it is. Texts that are in order already are never moved.
/// </summary>
internal struct CanonicalWriter
{
    private const int FewMembers = 16;
    private byte[] _buffer;
    private int _length;
    private readonly Frame[] _frames;
    private int _depth;
    private Member[] _members;
    private int _memberCount;
    private List<JsonObstacle>? _obstacles;
    private List<string>? _altered;

    public CanonicalWriter(int capacity)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 256));
        _frames = ArrayPool<Frame>.Shared.Rent(JsonLimits.Depth);
        _members = ArrayPool<Member>.Shared.Rent(64);
    }

    public readonly IReadOnlyList<JsonObstacle> Obstacles => _obstacles ?? (IReadOnlyList<JsonObstacle>)[];

    public readonly IReadOnlyList<string> Altered => _altered ?? (IReadOnlyList<string>)[];

    public bool IsAlteredElsewhere { get; private set; }

    public readonly byte[] ToArray() => _buffer.AsSpan(0, _length).ToArray();

    public readonly void Return()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        ArrayPool<Frame>.Shared.Return(_frames);
        ArrayPool<Member>.Shared.Return(_members);
    }

    public bool TryRewrite(ReadOnlySpan<byte> body, out JsonFault fault)
    {
        if (body.StartsWith("\uFEFF"u8))
        {
            return Refuse("The body begins with a byte order mark; send plain UTF-8 without it.", out fault);
        }
        if (!Utf8.IsValid(body))
        {
            return Refuse("The body is not valid UTF-8.", out fault);
        }
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = JsonLimits.Depth });
        try
        {
            while (reader.Read())
            {
                if (Accept(ref reader) is { } refusal)
                {
                    return Refuse(refusal, out fault);
                }
            }
        }
        catch (JsonException defect)
        {
            // The reader stands before the bracket that is one too many; other faults at that depth are faults of syntax.
            return Refuse(_depth == JsonLimits.Depth && body[(int)reader.BytesConsumed..] is [(byte)'[' or (byte)'{', ..]
                ? $"The body nests deeper than {JsonLimits.Depth} levels{Where()}."
                : $"The body is not JSON: {FirstSentence(defect.Message)} (line {defect.LineNumber + 1}, byte {defect.BytePositionInLine + 1}).", out fault);
        }
        catch (InvalidOperationException)
        {
            return Refuse($"A string holds half of a surrogate pair{Where()}; send whole characters.", out fault);
        }
        fault = null!;
        return true;
    }

    private static bool Refuse(string message, out JsonFault fault)
    {
        fault = new JsonFault(message);
        return false;
    }

    private string? Accept(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                return BeginMember(ref reader);
            case JsonTokenType.EndObject:
                EndMember();
                Append((byte)'}');
                return EndObject();
            case JsonTokenType.EndArray:
                Append((byte)']');
                _depth--;
                return null;
            default:
                return BeginValue() ?? Value(ref reader);
        }
    }

    private string? Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Append((byte)'{');
                _frames[_depth++] = new Frame { IsObject = true, FirstMember = _memberCount };
                return null;
            case JsonTokenType.StartArray:
                Append((byte)'[');
                _frames[_depth++] = new Frame();
                return null;
            case JsonTokenType.String:
                String(ref reader);
                return null;
            case JsonTokenType.Number:
                Number(reader.ValueSpan);
                return null;
            default:
                Append(reader.ValueSpan); // true, false, null
                return null;
        }
    }

    /// <summary>Writes the comma between elements and counts them; members have theirs written in <see cref="BeginMember"/>.</summary>
    private string? BeginValue()
    {
        if (_depth == 0 || _frames[_depth - 1].IsObject)
        {
            return null;
        }
        ref var frame = ref _frames[_depth - 1];
        if (frame.Count == JsonLimits.Elements)
        {
            return $"The array{Where()} has more than {JsonLimits.Elements:N0} elements.";
        }
        if (frame.Count++ > 0)
        {
            Append((byte)',');
        }
        return null;
    }

    private string? BeginMember(ref Utf8JsonReader reader)
    {
        EndMember();
        ref var frame = ref _frames[_depth - 1];
        if (frame.Count == JsonLimits.Members)
        {
            return $"The object{Where(parent: true)} has more than {JsonLimits.Members:N0} members.";
        }
        if (frame.Count++ > 0)
        {
            Append((byte)',');
        }
        if (_memberCount == _members.Length)
        {
            Grow(ref _members, _memberCount);
        }
        var start = _length;
        String(ref reader, isName: true);
        _members[_memberCount++] = new Member { Start = start, KeyEnd = _length };
        Append((byte)':');
        return null;
    }

    private readonly void EndMember()
    {
        if (_memberCount > _frames[_depth - 1].FirstMember)
        {
            _members[_memberCount - 1].End = _length;
        }
    }

    private string? EndObject()
    {
        var frame = _frames[_depth - 1];
        var members = _members.AsSpan(frame.FirstMember, _memberCount - frame.FirstMember);
        for (var i = 1; i < members.Length; i++)
        {
            if (CompareKeys(_buffer, members[i - 1], members[i]) >= 0)
            {
                if (Sort(members) is { } twice)
                {
                    return $"The key {twice} stands twice in one object{Where(parent: true)}.";
                }
                break;
            }
        }
        _memberCount = frame.FirstMember;
        _depth--;
        return null;
    }

    /// <summary>Puts the members of the object that has just ended in order; answers with a key that stands twice, if there is one.</summary>
    private readonly string? Sort(Span<Member> members)
    {
        var start = members[0].Start;
        var length = members[^1].End - start;
        var scratch = ArrayPool<byte>.Shared.Rent(length);
        var buffer = _buffer;
        if (members.Length <= FewMembers)
        {
            Insert(buffer, members);
        }
        else
        {
            members.Sort((a, b) => CompareKeys(buffer, a, b));
        }
        string? twice = null;
        var at = 0;
        for (var i = 0; i < members.Length; i++)
        {
            if (i > 0)
            {
                scratch[at++] = (byte)',';
                twice ??= CompareKeys(buffer, members[i - 1], members[i]) == 0 ? Shorten(members[i].Key(buffer)) : null;
            }
            var text = buffer.AsSpan(members[i].Start, members[i].End - members[i].Start);
            text.CopyTo(scratch.AsSpan(at));
            at += text.Length;
        }
        scratch.AsSpan(0, length).CopyTo(buffer.AsSpan(start));
        ArrayPool<byte>.Shared.Return(scratch);
        return twice;
    }

    /// <summary>Sorts few members, as nearly every object has, one by one.</summary>
    private static void Insert(byte[] buffer, Span<Member> members)
    {
        for (var i = 1; i < members.Length; i++)
        {
            var member = members[i];
            var at = i;
            for (; at > 0 && CompareKeys(buffer, members[at - 1], member) > 0; at--)
            {
                members[at] = members[at - 1];
            }
            members[at] = member;
        }
    }

    /// <summary>Order of the unescaped UTF-8 bytes, which is code-point order.</summary>
    private static int CompareKeys(byte[] buffer, in Member a, in Member b)
    {
        var left = a.Key(buffer)[1..^1];
        var right = b.Key(buffer)[1..^1];
        return left.Contains((byte)'\\') || right.Contains((byte)'\\') ? CompareEscaped(left, right) : left.SequenceCompareTo(right);
    }

    private static int CompareEscaped(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        while (!left.IsEmpty && !right.IsEmpty)
        {
            if (NextUnescaped(ref left) - NextUnescaped(ref right) is var order and not 0)
            {
                return order;
            }
        }
        return left.Length - right.Length;
    }

    /// <summary>Takes one byte, or the escape that stands for one: in canonical form a control character, a quotation mark or a backslash.</summary>
    private static byte NextUnescaped(ref ReadOnlySpan<byte> text)
    {
        var (value, length) = text[0] != '\\' ? (text[0], 1) : (char)text[1] switch
        {
            'u' when Utf8Parser.TryParse(text.Slice(4, 2), out byte control, out _, 'x') => (control, 6),
            'b' => ((byte)'\b', 2),
            'f' => ((byte)'\f', 2),
            'n' => ((byte)'\n', 2),
            'r' => ((byte)'\r', 2),
            't' => ((byte)'\t', 2),
            _ => (text[1], 2),
        };
        text = text[length..];
        return value;
    }

    /// <summary>What a text between its quotes stands for, in UTF-8.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> key)
    {
        var reader = new Utf8JsonReader((byte[])[(byte)'"', .. key, (byte)'"']);
        reader.Read();
        return Encoding.UTF8.GetBytes(reader.GetString()!);
    }

    private void String(ref Utf8JsonReader reader, bool isName = false)
    {
        // Plain ASCII without escapes is canonical as it stands; it is also nearly everything.
        if (!reader.ValueIsEscaped && Ascii.IsValid(reader.ValueSpan))
        {
            Quoted(reader.ValueSpan);
            return;
        }
        var text = reader.GetString()!;
        var composed = NormalForm.Composed(text);
        var isComposed = composed == text;
        if (!isComposed)
        {
            RememberAltered(isName);
        }
        if (isComposed && !reader.ValueIsEscaped)
        {
            Quoted(reader.ValueSpan);
        }
        else
        {
            Escaped(composed);
        }
    }

    private void RememberAltered(bool isName)
    {
        if ((_altered ??= []).Count < CanonicalJson.MostAltered)
        {
            _altered.Add(Pointer(parent: isName));
        }
        else
        {
            IsAlteredElsewhere = true;
        }
    }

    /// <summary>Writes a text that is in canonical form as it stands.</summary>
    private void Quoted(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length + 2);
        _buffer[_length++] = (byte)'"';
        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
        _buffer[_length++] = (byte)'"';
    }

    private void Escaped(string text)
    {
        Append((byte)'"');
        Reserve(text.Length * 6);
        foreach (var rune in text.EnumerateRunes())
        {
            var short_ = rune.Value switch
            {
                '"' => (byte)'"',
                '\\' => (byte)'\\',
                '\b' => (byte)'b',
                '\f' => (byte)'f',
                '\n' => (byte)'n',
                '\r' => (byte)'r',
                '\t' => (byte)'t',
                _ => default,
            };
            if (short_ != 0)
            {
                _buffer[_length++] = (byte)'\\';
                _buffer[_length++] = short_;
            }
            else if (rune.Value < 0x20)
            {
                "\\u00"u8.CopyTo(_buffer.AsSpan(_length));
                _length += 4;
                Utf8Formatter.TryFormat((byte)rune.Value, _buffer.AsSpan(_length), out var written, new StandardFormat('x', 2));
                _length += written;
            }
            else
            {
                _length += rune.EncodeToUtf8(_buffer.AsSpan(_length));
            }
        }
        Append((byte)'"');
    }

    private void Number(ReadOnlySpan<byte> digits)
    {
        var canonical = Utf8Parser.TryParse(digits, out long value, out var used) && used == digits.Length
            && value is >= -JsonLimits.Integer and <= JsonLimits.Integer
            && !digits.SequenceEqual("-0"u8);
        if (!canonical && (_obstacles ??= []).Count < 20)
        {
            _obstacles.Add(new JsonObstacle(Pointer(), Shorten(digits)));
        }
        Append(digits);
    }

    private readonly string Where(bool parent = false)
    {
        var pointer = Pointer(parent);
        return pointer.Length == 0 ? "" : $" at {pointer}";
    }

    /// <summary>JSON Pointer of the value that is being written, or of the object that holds it.</summary>
    private readonly string Pointer(bool parent = false)
    {
        var pointer = new StringBuilder();
        for (var i = 0; i < _depth - (parent ? 1 : 0); i++)
        {
            // The member in progress of an object is the last one begun before the next frame's first.
            var last = (i + 1 < _depth ? _frames[i + 1].FirstMemberOr(_memberCount, _frames, i + 1, _depth) : _memberCount) - 1;
            pointer.Append('/').Append(_frames[i].IsObject
                ? last >= _frames[i].FirstMember ? Unquote(_members[last].Key(_buffer)).Replace("~", "~0").Replace("/", "~1") : ""
                : Math.Max(0, _frames[i].Count - 1).ToString());
        }
        return pointer.ToString();
    }

    private static string Unquote(ReadOnlySpan<byte> key) => Encoding.UTF8.GetString(Unescape(key[1..^1]));

    private static string Shorten(ReadOnlySpan<byte> text)
    {
        var shown = Encoding.UTF8.GetString(text);
        return shown.Length <= 64 ? shown : shown[..61] + "…";
    }

    private static string FirstSentence(string message)
    {
        var end = message.IndexOf(". ", StringComparison.Ordinal);
        var sentence = end < 0 ? message : message[..end];
        return sentence.Length <= 200 ? sentence.TrimEnd('.') : sentence[..200];
    }

    private void Append(byte one)
    {
        Reserve(1);
        _buffer[_length++] = one;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Reserve(int more)
    {
        if (_length + more > _buffer.Length)
        {
            Grow(ref _buffer, _length, more);
        }
    }

    private static void Grow<T>(ref T[] array, int used, int more = 1)
    {
        var larger = ArrayPool<T>.Shared.Rent(Math.Max(array.Length * 2, used + more));
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }

    /// <summary>An array or object that has begun and not ended.</summary>
    private struct Frame
    {
        public bool IsObject;
        public int FirstMember;
        public int Count;

        /// <summary>Where this frame's members begin; an array has none, so the next object below decides.</summary>
        public readonly int FirstMemberOr(int end, Frame[] frames, int index, int depth)
        {
            for (var i = index; i < depth; i++)
            {
                if (frames[i].IsObject)
                {
                    return frames[i].FirstMember;
                }
            }
            return end;
        }
    }

    /// <summary>One member of an object in the buffer: its quoted key, and where its value ends.</summary>
    private struct Member
    {
        public int Start;
        public int KeyEnd;
        public int End;

        public readonly ReadOnlySpan<byte> Key(byte[] buffer) => buffer.AsSpan(Start, KeyEnd - Start);
    }
}
