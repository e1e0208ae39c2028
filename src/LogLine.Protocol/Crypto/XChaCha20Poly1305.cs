namespace LogLine.Protocol.Crypto;

/// <summary>XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): 32-byte key, 24-byte nonce, 16-byte tag behind the ciphertext.</summary>
public static unsafe class XChaCha20Poly1305
{
    /// <summary>Bytes in a key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes in a nonce.</summary>
    public const int NonceSize = 24;

    /// <summary>Bytes that the ciphertext is longer than the message.</summary>
    public const int TagSize = 16;

    /// <summary>Encrypts; the result is ciphertext and tag.</summary>
    /// <exception cref="ArgumentException">Key or nonce has the wrong length.</exception>
    public static byte[] Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message, ReadOnlySpan<byte> associatedData)
    {
        Require(key, nonce);
        var cipher = new byte[message.Length + TagSize];
        ulong length;
        fixed (byte* c = cipher, m = message, a = associatedData, n = nonce, k = key)
        {
            _ = Sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(c, &length, m, (ulong)message.Length, a, (ulong)associatedData.Length, null, n, k);
        }
        return cipher;
    }

    /// <summary>Decrypts; false when key, nonce, associated data or any byte differs.</summary>
    /// <exception cref="ArgumentException">Key or nonce has the wrong length.</exception>
    public static bool TryDecrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associatedData, out byte[] message)
    {
        Require(key, nonce);
        message = [];
        if (cipher.Length < TagSize)
        {
            return false;
        }
        var opened = new byte[cipher.Length - TagSize];
        ulong length;
        fixed (byte* m = opened, c = cipher, a = associatedData, n = nonce, k = key)
        {
            if (Sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(m, &length, null, c, (ulong)cipher.Length, a, (ulong)associatedData.Length, n, k) != 0)
            {
                return false;
            }
        }
        message = opened;
        return true;
    }

    private static void Require(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        if (key.Length != KeySize || nonce.Length != NonceSize)
        {
            throw new ArgumentException($"XChaCha20-Poly1305 takes a key of {KeySize} and a nonce of {NonceSize} bytes, not {key.Length} and {nonce.Length}.");
        }
    }
}
