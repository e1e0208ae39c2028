using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto;

/// <summary>An Ed25519 private key. It signs, tells its public half, and prints nothing.</summary>
public sealed unsafe class SigningKey : IDisposable
{
    private readonly SecretBytes _expanded;
    private readonly byte[] _publicKey;

    private SigningKey(SecretBytes expanded, byte[] publicKey) => (_expanded, _publicKey) = (expanded, publicKey);

    /// <summary>The public half, 32 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>The public half as 64 lower-case hex characters.</summary>
    public string PublicKeyHex => Convert.ToHexStringLower(_publicKey);

    /// <summary>A new key from the operating system's generator.</summary>
    public static SigningKey Generate()
    {
        using var seed = SecretBytes.Random(Ed25519.SeedSize);
        return FromSeed(seed.Reveal());
    }

    /// <summary>The key of a 32-byte seed (RFC 8032, section 5.1.5).</summary>
    /// <exception cref="ArgumentException">The seed is not 32 bytes long.</exception>
    public static SigningKey FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != Ed25519.SeedSize)
        {
            throw new ArgumentException($"An Ed25519 seed has {Ed25519.SeedSize} bytes, this one has {seed.Length}.", nameof(seed));
        }
        var publicKey = new byte[Ed25519.PublicKeySize];
        Span<byte> expanded = stackalloc byte[64];
        fixed (byte* pk = publicKey, sk = expanded, s = seed)
        {
            _ = Sodium.crypto_sign_seed_keypair(pk, sk, s);
        }
        var key = new SigningKey(SecretBytes.Copy(expanded), publicKey);
        CryptographicOperations.ZeroMemory(expanded);
        return key;
    }

    /// <summary>Signs <paramref name="message"/>; 64 bytes.</summary>
    /// <exception cref="ObjectDisposedException">The key is wiped.</exception>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        ulong length;
        fixed (byte* sig = signature, text = message, sk = _expanded.Reveal())
        {
            _ = Sodium.crypto_sign_detached(sig, &length, text, (ulong)message.Length, sk);
        }
        return signature;
    }

    /// <summary>The seed, to store it. The caller disposes it.</summary>
    /// <exception cref="ObjectDisposedException">The key is wiped.</exception>
    public SecretBytes ExportSeed() => SecretBytes.Copy(_expanded.Reveal()[..Ed25519.SeedSize]);

    /// <summary>Never the key.</summary>
    public override string ToString() => $"Ed25519 key {PublicKeyHex}";

    /// <summary>Wipes the private half.</summary>
    public void Dispose() => _expanded.Dispose();
}
