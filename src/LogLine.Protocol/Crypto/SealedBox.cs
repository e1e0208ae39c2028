using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto;

/// <summary>An X25519 private key that opens what <see cref="SealedBox"/> sealed to its public half.</summary>
public sealed unsafe class BoxKey : IDisposable
{
    private readonly SecretBytes _secret;
    private readonly byte[] _publicKey;

    private BoxKey(SecretBytes secret, byte[] publicKey) => (_secret, _publicKey) = (secret, publicKey);

    /// <summary>The public half, 32 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>The key of a 32-byte seed (libsodium's crypto_box_seed_keypair).</summary>
    /// <exception cref="ArgumentException">The seed is not 32 bytes long.</exception>
    public static BoxKey FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != 32)
        {
            throw new ArgumentException($"An X25519 seed has 32 bytes, this one has {seed.Length}.", nameof(seed));
        }
        var publicKey = new byte[32];
        Span<byte> secret = stackalloc byte[32];
        fixed (byte* pk = publicKey, sk = secret, s = seed)
        {
            _ = Sodium.crypto_box_seed_keypair(pk, sk, s);
        }
        var key = new BoxKey(SecretBytes.Copy(secret), publicKey);
        CryptographicOperations.ZeroMemory(secret);
        return key;
    }

    /// <summary>Opens a sealed box; false when it was sealed to another key or was changed.</summary>
    /// <exception cref="ObjectDisposedException">The key is wiped.</exception>
    public bool TryOpen(ReadOnlySpan<byte> box, out byte[] message)
    {
        message = [];
        if (box.Length < SealedBox.Overhead)
        {
            return false;
        }
        var opened = new byte[box.Length - SealedBox.Overhead];
        fixed (byte* m = opened, c = box, pk = _publicKey, sk = _secret.Reveal())
        {
            if (Sodium.crypto_box_seal_open(m, c, (ulong)box.Length, pk, sk) != 0)
            {
                return false;
            }
        }
        message = opened;
        return true;
    }

    /// <summary>Wipes the private half.</summary>
    public void Dispose() => _secret.Dispose();
}

/// <summary>Anonymous public-key encryption: X25519 sealed boxes of libsodium, used to wrap data keys for runners (contract, section 6).</summary>
public static unsafe class SealedBox
{
    /// <summary>Bytes that a box is longer than its message.</summary>
    public const int Overhead = 48;

    /// <summary>Seals <paramref name="message"/> to a 32-byte X25519 public key.</summary>
    /// <exception cref="ArgumentException">The key is not 32 bytes long or is not a point that can be used.</exception>
    public static byte[] Seal(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message)
    {
        if (publicKey.Length != 32)
        {
            throw new ArgumentException($"An X25519 public key has 32 bytes, this one has {publicKey.Length}.", nameof(publicKey));
        }
        var box = new byte[message.Length + Overhead];
        fixed (byte* c = box, m = message, pk = publicKey)
        {
            if (Sodium.crypto_box_seal(c, m, (ulong)message.Length, pk) != 0)
            {
                throw new ArgumentException("The X25519 public key is a point of low order.", nameof(publicKey));
            }
        }
        return box;
    }
}
