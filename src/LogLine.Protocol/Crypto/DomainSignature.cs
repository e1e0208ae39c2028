using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// What a signature is over (contract, section 2). The kind separates domains: a signature made for one never verifies as another.
/// </summary>
public enum SignatureKind
{
    /// <summary>An HTTP request.</summary>
    Request,
    /// <summary>A span.</summary>
    Span,
    /// <summary>The provenance of a MiniContainer manifest.</summary>
    Manifest,
    /// <summary>A proof of authorisation.</summary>
    Proof,
    /// <summary>A grant.</summary>
    Grant,
    /// <summary>Proof of possession of a key that is being registered.</summary>
    Key,
    /// <summary>What a gateway lets a worker do.</summary>
    Permit,
    /// <summary>What a worker reports.</summary>
    Event,
}

/// <summary>
/// <c>ed25519-blake3</c>: Ed25519 over <c>"logline:" + kind + ":v1"</c>, one zero byte, and the 32 raw bytes of the BLAKE3 of the canonical
/// object without the member that holds the signature value (contract, section 2).
/// </summary>
public static class DomainSignature
{
    /// <summary>The only algorithm there is.</summary>
    public const string Algorithm = "ed25519-blake3";

    /// <summary>Characters of a signature value.</summary>
    private const int ValueLength = 88;

    private static readonly byte[][] Prefixes =
        [.. Enum.GetNames<SignatureKind>().Select(kind => Encoding.ASCII.GetBytes($"logline:{kind.ToLowerInvariant()}:v1\0"))];

    /// <summary>Signs canonical bytes; 64 bytes.</summary>
    public static byte[] Sign(SigningKey key, SignatureKind kind, ReadOnlySpan<byte> canonical)
    {
        Span<byte> message = stackalloc byte[64];
        return key.Sign(message[..Message(kind, canonical, message)]);
    }

    /// <summary>True when <paramref name="signature"/> is the key's over the canonical bytes, made for this kind.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, SignatureKind kind, ReadOnlySpan<byte> canonical, ReadOnlySpan<byte> signature)
    {
        Span<byte> message = stackalloc byte[64];
        return Ed25519.Verify(publicKey, message[..Message(kind, canonical, message)], signature);
    }

    private static int Message(SignatureKind kind, ReadOnlySpan<byte> canonical, Span<byte> message)
    {
        var prefix = Prefixes[(int)kind];
        prefix.CopyTo(message);
        Blake3.Hash(canonical, message.Slice(prefix.Length, Blake3.HashSize));
        return prefix.Length + Blake3.HashSize;
    }

    /// <summary>Reads the one spelling of a signature value: padded standard base64 of 64 bytes, 88 characters, no spare bits set.</summary>
    public static bool TryDecode([NotNullWhen(true)] string? text, out byte[] signature)
    {
        signature = new byte[Ed25519.SignatureSize];
        Span<byte> ascii = stackalloc byte[ValueLength];
        return text is { Length: ValueLength } && Ascii.FromUtf16(text, ascii, out _) == OperationStatus.Done && TryDecode(ascii, signature);
    }

    /// <summary>The same of the bytes of the text, into 64 bytes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> signature)
    {
        Span<byte> spelling = stackalloc byte[ValueLength];
        return text.Length == ValueLength
            && Base64.DecodeFromUtf8(text, signature, out _, out var length) == OperationStatus.Done
            && length == Ed25519.SignatureSize
            && Base64.EncodeToUtf8(signature, spelling, out _, out _) == OperationStatus.Done
            && spelling.SequenceEqual(text);
    }

    /// <summary>Reads a public key: 64 hex characters or the padded base64 of 32 bytes.</summary>
    public static bool TryDecodePublicKey([NotNullWhen(true)] string? text, out byte[] publicKey)
    {
        publicKey = new byte[Ed25519.PublicKeySize];
        if (text is { Length: 64 })
        {
            return Convert.FromHexString(text, publicKey, out _, out _) == System.Buffers.OperationStatus.Done;
        }
        return text is { Length: 44 } && Convert.TryFromBase64String(text, publicKey, out var length) && length == Ed25519.PublicKeySize;
    }
}

/// <summary>BLAKE3-256 in the spellings of the contract.</summary>
public static class ContentHash
{
    /// <summary>What a hash in a document begins with.</summary>
    public const string Prefix = "blake3:";

    /// <summary>What the value of <c>X-Payload-Hash</c> begins with.</summary>
    public const string HeaderPrefix = "blake3-256=";

    /// <summary><c>blake3:</c> and 64 lower-case hex characters.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Spelled(Prefix, bytes);

    /// <summary>The value of <c>X-Payload-Hash</c> for a canonical body.</summary>
    public static string HeaderOf(ReadOnlySpan<byte> canonicalBody) => Spelled(HeaderPrefix, canonicalBody);

    /// <summary>The same of a body whose hash is known already, <c>blake3:…</c>.</summary>
    public static string HeaderOf(string hash) => HeaderPrefix + hash[Prefix.Length..];

    private static string Spelled(string prefix, ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Blake3.HashSize];
        Blake3.Hash(bytes, hash);
        Span<char> text = stackalloc char[prefix.Length + 2 * Blake3.HashSize];
        prefix.CopyTo(text);
        Convert.TryToHexStringLower(hash, text[prefix.Length..], out _);
        return text.ToString();
    }
}
