using System.Buffers;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>
/// What one leaf of the ledger is made of (contract, section 9): canonical
/// <c>{"env","hash","kid"|null,"principal","received_at","tenant","this","v":1}</c>. Intent and subject are in the span only, so that its
/// content can be erased later without breaking a proof.
/// </summary>
/// <param name="Env">dev, stg or prd.</param>
/// <param name="Hash"><c>blake3:…</c> of the canonical stored span, signature included.</param>
/// <param name="Kid">The span's signer, else the request's, else null.</param>
/// <param name="Principal">Id of the token that brought it, or of the gateway itself.</param>
/// <param name="ReceivedAt">RFC 3339.</param>
/// <param name="Tenant">The tenant.</param>
/// <param name="This">Name of the span.</param>
public sealed record LedgerEntry(string Env, string Hash, string? Kid, string Principal, string ReceivedAt, string Tenant, string This)
{
    // All that stands around the members, and room for the kid's "null" or quotes.
    private const int FrameBytes = 96;

    /// <summary>Most entries take no more.</summary>
    internal const int UsualBytes = 1024;

    /// <summary>The canonical bytes.</summary>
    public byte[] ToUtf8()
    {
        var room = ArrayPool<byte>.Shared.Rent(MostBytes);
        var bytes = room.AsSpan(0, WriteTo(room)).ToArray();
        ArrayPool<byte>.Shared.Return(room);
        return bytes;
    }

    /// <summary>What the canonical bytes take at most.</summary>
    internal int MostBytes => FrameBytes + Env.Length + Hash.Length + (Kid?.Length ?? 0) + Principal.Length + ReceivedAt.Length + Tenant.Length + This.Length;

    /// <summary>Writes the canonical bytes; how many they are. No member can need an escape: each has been held to its pattern before.</summary>
    internal int WriteTo(Span<byte> room)
    {
        var rest = room;
        Put("{\"env\":\""u8, ref rest);
        Put(Env, ref rest);
        Put("\",\"hash\":\""u8, ref rest);
        Put(Hash, ref rest);
        Put(Kid is null ? "\",\"kid\":null"u8 : "\",\"kid\":\""u8, ref rest);
        Put(Kid ?? "", ref rest);
        Put(Kid is null ? ",\"principal\":\""u8 : "\",\"principal\":\""u8, ref rest);
        Put(Principal, ref rest);
        Put("\",\"received_at\":\""u8, ref rest);
        Put(ReceivedAt, ref rest);
        Put("\",\"tenant\":\""u8, ref rest);
        Put(Tenant, ref rest);
        Put("\",\"this\":\""u8, ref rest);
        Put(This, ref rest);
        Put("\",\"v\":1}"u8, ref rest);
        return room.Length - rest.Length;
    }

    private static void Put(ReadOnlySpan<byte> piece, ref Span<byte> rest)
    {
        piece.CopyTo(rest);
        rest = rest[piece.Length..];
    }

    private static void Put(string member, ref Span<byte> rest) => rest = rest[Encoding.ASCII.GetBytes(member, rest)..];

    /// <summary>Reads an entry from its canonical bytes; false unless they are just what <see cref="ToUtf8"/> writes of it (docs/ledger-format.md, E1).</summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, out LedgerEntry entry)
    {
        entry = null!;
        var rest = utf8;
        if (Take("{\"env\":\""u8, ref rest) is not { } env || Take("\",\"hash\":\""u8, ref rest) is not { } hash)
        {
            return false;
        }
        var kid = Take("\",\"kid\":\""u8, ref rest);
        if (Take(kid is null ? "\",\"kid\":null,\"principal\":\""u8 : "\",\"principal\":\""u8, ref rest) is not { } principal
            || Take("\",\"received_at\":\""u8, ref rest) is not { } receivedAt || Take("\",\"tenant\":\""u8, ref rest) is not { } tenant
            || Take("\",\"this\":\""u8, ref rest) is not { } name || !rest.SequenceEqual("\",\"v\":1}"u8))
        {
            return false;
        }
        entry = new LedgerEntry(env, hash, kid, principal, receivedAt, tenant, name);
        return true;
    }

    /// <summary>Reads an entry, however it is spelled; false unless it has exactly these members and version 1.</summary>
    public static bool TryParse(JsonElement json, out LedgerEntry entry)
    {
        entry = null!;
        return json.ValueKind == JsonValueKind.Object && CanonicalJson.TryRead(CanonicalJson.BytesOf(json), out var canonical, out _) && TryRead(canonical.Utf8.Span, out entry);
    }

    /// <summary>The text that stands behind <paramref name="before"/>, up to what needs an escape or ends it; null when something else stands there.</summary>
    private static string? Take(ReadOnlySpan<byte> before, ref ReadOnlySpan<byte> rest)
    {
        if (!rest.StartsWith(before))
        {
            return null;
        }
        var text = rest[before.Length..];
        var length = text.IndexOfAnyExcept(CanonicalScan.Plain);
        if (length < 0)
        {
            return null;
        }
        rest = text[length..];
        return Encoding.ASCII.GetString(text[..length]);
    }
}
