namespace LogLine.Protocol.Crypto;

/// <summary>
/// Ed25519 (RFC 8032) with the verification rule of libsodium: the equation without cofactor; a public key or R of small order, an S of L or more,
/// and a public key or R in another spelling than its own are refused (contract, section 2).
/// </summary>
public static unsafe class Ed25519
{
    /// <summary>Bytes in a public key.</summary>
    public const int PublicKeySize = 32;

    /// <summary>Bytes in a seed (the private key as it is stored).</summary>
    public const int SeedSize = 32;

    /// <summary>Bytes in a signature.</summary>
    public const int SignatureSize = 64;

    /// <summary>True when <paramref name="signature"/> is one of <paramref name="publicKey"/> over <paramref name="message"/>. Wrong lengths are false.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeySize || signature.Length != SignatureSize)
        {
            return false;
        }
        fixed (byte* key = publicKey, text = message, sig = signature)
        {
            return Sodium.crypto_sign_verify_detached(sig, text, (ulong)message.Length, key) == 0;
        }
    }
}
