using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Spans;

/// <summary>Hashes of the tree as JSON documents spell them: <c>sha256:</c> and 64 lower-case hex digits.</summary>
internal static class TreeHashText
{
    private const string Prefix = "sha256:";
    private const int Length = 7 + (2 * MerkleHash.Size);

    /// <summary>Hashes in a proof: a tree has at most 2^63 - 1 leaves.</summary>
    internal const int MaxHashes = 64;

    internal static void Write(Utf8JsonWriter json, string name, ReadOnlySpan<byte> hash)
    {
        Span<byte> text = stackalloc byte[Length];
        Format(hash, text);
        json.WriteString(name, text);
    }

    internal static void Write(Utf8JsonWriter json, string name, IReadOnlyList<byte[]> hashes)
    {
        json.WriteStartArray(name);
        Span<byte> text = stackalloc byte[Length];
        foreach (var hash in hashes)
        {
            Format(hash, text);
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }

    internal static bool TryRead(string? text, out byte[] hash)
    {
        hash = new byte[MerkleHash.Size];
        return text is { Length: Length } && text.StartsWith(Prefix, StringComparison.Ordinal)
            && !text.AsSpan(Prefix.Length).ContainsAnyExcept("0123456789abcdef")
            && Convert.FromHexString(text.AsSpan(Prefix.Length), hash, out _, out _) == OperationStatus.Done;
    }

    /// <returns>Null and the hashes, or what is wrong with which of them.</returns>
    internal static string? TryRead(IEnumerable<JsonElement> items, string name, out IReadOnlyList<byte[]> hashes)
    {
        var read = new List<byte[]>();
        hashes = read;
        foreach (var item in items)
        {
            if (read.Count == MaxHashes || item.ValueKind != JsonValueKind.String || !TryRead(item.GetString(), out var hash))
            {
                return $"{name}/{read.Count}: is not sha256:<64 hex>, or there are more than {MaxHashes}";
            }
            read.Add(hash);
        }
        return null;
    }

    private static void Format(ReadOnlySpan<byte> hash, Span<byte> text)
    {
        "sha256:"u8.CopyTo(text);
        Convert.TryToHexStringLower(hash, text[Prefix.Length..], out _);
    }
}
