using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Json;

/// <summary>
/// A JSON text that was read strictly and stands in canonical form ("JSON✯Atomic", contract section 1): members sorted by the
/// UTF-8 bytes of their NFC keys, no white space, one spelling for every string and integer. Because the whole is canonical,
/// the bytes of any part of it are canonical too: <see cref="BytesOf"/> is a slice, never a copy.
/// </summary>
public sealed class CanonicalJson
{
    private JsonDocument? _tree;

    /// <summary>Of so many altered texts it is said where they stand.</summary>
    public const int MostAltered = 1000;

    private CanonicalJson(byte[] utf8, IReadOnlyList<JsonObstacle> obstacles)
    {
        Utf8 = Given = utf8;
        Obstacles = obstacles;
    }

    /// <summary>The canonical bytes. When there are <see cref="Obstacles"/> they are not canonical and must not be hashed.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>The same text as a tree, made when it is first asked for.</summary>
    public JsonElement Root => (_tree ??= JsonDocument.Parse(Utf8, new JsonDocumentOptions { MaxDepth = JsonLimits.Depth })).RootElement;

    /// <summary>Values that have no canonical form (fractions, exponents, integers beyond ±(2^53 − 1), <c>-0</c>); empty when it can be hashed.</summary>
    public IReadOnlyList<JsonObstacle> Obstacles { get; }

    /// <summary>
    /// Where texts stand that were not sent in NFC, so that they are other bytes here than what was sent: JSON Pointers of values, and of objects of which a name was altered. The first
    /// thousand.
    /// </summary>
    public IReadOnlyList<string> Altered { get; private init; } = [];

    /// <summary>True when more texts are <see cref="Altered"/> than it is said of where they stand.</summary>
    public bool IsAlteredElsewhere { get; private init; }

    /// <summary>What a client sends, so that the gateway sees what is <see cref="Altered"/>: then the bytes that were read, else the canonical ones.</summary>
    public ReadOnlyMemory<byte> Given { get; private init; }

    /// <summary>
    /// Reads a body strictly. Refused: what RFC 8259 refuses, invalid UTF-8, a BOM, lone surrogates, keys that are equal after NFC,
    /// depth over 32, more than 10,000 elements in an array or 1,000 members in an object.
    /// </summary>
    /// <returns>True with the document, or false with the fault.</returns>
    public static bool TryRead(ReadOnlySpan<byte> body, out CanonicalJson json, out JsonFault fault)
    {
        if (CanonicalScan.Recognises(body))
        {
            (json, fault) = (new CanonicalJson(body.ToArray(), []), null!);
            return true;
        }
        return TryRewrite(body, out json, out fault);
    }

    /// <summary>Views a text that is canonical as it stands, without a copy: from now on nobody may change it. False when it is not.</summary>
    public static bool TryView(byte[] utf8, out CanonicalJson json)
    {
        var isCanonical = CanonicalScan.Recognises(utf8)
            || (TryRewrite(utf8, out var written, out _) && written.Obstacles.Count == 0 && written.Utf8.Span.SequenceEqual(utf8));
        json = isCanonical ? new CanonicalJson(utf8, []) : null!;
        return isCanonical;
    }

    private static bool TryRewrite(ReadOnlySpan<byte> body, out CanonicalJson json, out JsonFault fault)
    {
        var writer = new CanonicalWriter(body.Length);
        try
        {
            if (writer.TryRewrite(body, out fault))
            {
                var utf8 = writer.ToArray();
                json = new CanonicalJson(utf8, writer.Obstacles) { Altered = writer.Altered, IsAlteredElsewhere = writer.IsAlteredElsewhere, Given = writer.Altered.Count > 0 ? body.ToArray() : utf8 };
                return true;
            }
            json = null!;
            return false;
        }
        finally
        {
            writer.Return();
        }
    }

    /// <summary>Reads a text that must have a canonical form.</summary>
    /// <exception cref="FormatException">It is malformed or holds a value without canonical form; the message says where.</exception>
    public static CanonicalJson Parse(ReadOnlySpan<byte> body)
    {
        if (!TryRead(body, out var json, out var fault))
        {
            throw new FormatException(fault.Message);
        }
        return json.Obstacles.Count == 0 ? json : throw new FormatException(json.Obstacles[0].Message);
    }

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte})"/>
    public static CanonicalJson Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    /// <summary>Canonical form of what <paramref name="write"/> writes; for objects that this program composes itself.</summary>
    public static CanonicalJson Compose(Action<Utf8JsonWriter> write) => Parse(JsonBytes.Write(write));

    /// <summary>The canonical bytes of an element of a canonical document, as a slice of it.</summary>
    public static ReadOnlySpan<byte> BytesOf(JsonElement element) => JsonMarshal.GetRawUtf8Value(element);

    /// <summary>
    /// The canonical bytes of <paramref name="whole"/> without the member <paramref name="name"/> of <paramref name="holder"/>, which is
    /// <paramref name="whole"/> itself or an object inside it. Used to sign and verify: a signature covers everything but its own value.
    /// </summary>
    public static byte[] BytesWithout(JsonElement whole, JsonElement holder, string name)
    {
        var members = new CanonicalMembers(BytesOf(whole), OffsetIn(whole, holder));
        if (!members.MoveTo(Encoding.UTF8.GetBytes(name)))
        {
            return BytesOf(whole).ToArray();
        }
        var buffer = new byte[BytesOf(whole).Length];
        return buffer.AsSpan(0, members.CopyOthers(buffer)).ToArray();
    }

    /// <summary>Where in the bytes of an element those of another one begin that stands in it.</summary>
    internal static int OffsetIn(JsonElement whole, JsonElement part) => OffsetIn(BytesOf(whole), BytesOf(part));

    /// <summary>
    /// The other way round: this document with one more member in <paramref name="holder"/>, an object in it with members that all sort before
    /// <paramref name="name"/>. Neither name nor value may need an escape.
    /// </summary>
    internal CanonicalJson With(JsonElement holder, string name, string value)
    {
        var bytes = Utf8.Span;
        var members = BytesOf(holder);
        var end = OffsetIn(bytes, members) + members.Length - 1;
        return new CanonicalJson([.. bytes[..end], .. Encoding.ASCII.GetBytes($",\"{name}\":\"{value}\""), .. bytes[end..]], []);
    }

    private static int OffsetIn(ReadOnlySpan<byte> whole, ReadOnlySpan<byte> part) =>
        (int)Unsafe.ByteOffset(ref MemoryMarshal.GetReference(whole), ref MemoryMarshal.GetReference(part));
}

/// <summary>Why a text is not acceptable JSON. <paramref name="Message"/> is for the sender: what, where, and the way out.</summary>
public sealed record JsonFault(string Message);

/// <summary>A value without canonical form: where it stands (JSON Pointer) and how it was written, cut at 64 characters.</summary>
public sealed record JsonObstacle(string Path, string Found)
{
    /// <summary>Says what to send instead.</summary>
    public string Message =>
        $"'{Found}' at {(Path.Length == 0 ? "the root" : Path)} has no canonical form: send an integer in ±(2^53 − 1) without fraction or exponent, or a string.";
}

/// <summary>The limits of section 1 of the contract.</summary>
public static class JsonLimits
{
    /// <summary>Deepest nesting of arrays and objects.</summary>
    public const int Depth = 32;

    /// <summary>Most elements in one array.</summary>
    public const int Elements = 10_000;

    /// <summary>Most members in one object.</summary>
    public const int Members = 1_000;

    /// <summary>Largest integer, 2^53 − 1.</summary>
    public const long Integer = 9_007_199_254_740_991;

    /// <summary>Most bytes in a body, 1 MiB.</summary>
    public const int BodyBytes = 1 << 20;
}
