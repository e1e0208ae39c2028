using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>Objects that carry <c>kid</c>, <c>alg</c> and <c>sig</c> themselves: proofs, grants, provenance (contract, sections 2 and 6).</summary>
public static class SignedObject
{
    /// <summary>
    /// Verifies the signature in <paramref name="holder"/>, which covers <paramref name="whole"/> without <c>sig</c>.
    /// </summary>
    /// <param name="whole">The signed object, part of a canonical document.</param>
    /// <param name="holder">The object with the member <c>sig</c>: the whole itself, or one inside it (<c>provenance</c>).</param>
    /// <param name="kind">What it was signed as.</param>
    /// <param name="publicKey">The key that the tenant's registry has for the kid.</param>
    /// <param name="prefix">What stands before the base64: <c>ed25519:</c> for grants, nothing else.</param>
    public static bool Verify(JsonElement whole, JsonElement holder, SignatureKind kind, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> prefix = default) =>
        holder.ValueKind == JsonValueKind.Object && Verify(CanonicalJson.BytesOf(whole), CanonicalJson.OffsetIn(whole, holder), kind, publicKey, prefix);

    /// <summary>The same of canonical bytes and where in them the object with the member <c>sig</c> begins.</summary>
    internal static bool Verify(ReadOnlySpan<byte> whole, int holder, SignatureKind kind, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> prefix = default)
    {
        var members = new CanonicalMembers(whole, holder);
        Span<byte> signature = stackalloc byte[Ed25519.SignatureSize];
        if (!members.MoveTo("sig"u8) || !TryRead(members.Value, prefix, signature))
        {
            return false;
        }
        var buffer = ArrayPool<byte>.Shared.Rent(whole.Length);
        var holds = DomainSignature.Verify(publicKey, kind, buffer.AsSpan(0, members.CopyOthers(buffer)), signature);
        ArrayPool<byte>.Shared.Return(buffer);
        return holds;
    }

    // A signature value has no character that needs an escape, so in canonical form it stands between its quotes as it is.
    private static bool TryRead(ReadOnlySpan<byte> value, ReadOnlySpan<byte> prefix, Span<byte> signature) =>
        value is [(byte)'"', .. var text, (byte)'"'] && text.StartsWith(prefix) && DomainSignature.TryDecode(text[prefix.Length..], signature);

    /// <summary>Signs an object that has its <c>kid</c> and <c>alg</c> already; the result has <c>sig</c> at its top level.</summary>
    public static CanonicalJson Sign(CanonicalJson unsigned, SignatureKind kind, SigningKey key, string prefix = "")
    {
        var signature = prefix + Convert.ToBase64String(DomainSignature.Sign(key, kind, unsigned.Utf8.Span));
        return CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var member in unsigned.Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteString("sig", signature);
            json.WriteEndObject();
        });
    }
}
