using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// Signatures of Standard Webhooks (standardwebhooks.com, specification 1.0): <c>v1</c> is HMAC-SHA256 under a shared secret, <c>v1a</c> is Ed25519 under the
/// sender's key. Both are over <c>id.timestamp.body</c>. One header holds several, separated by spaces; one that verifies is enough.
/// </summary>
public static class WebhookSignature
{
    /// <summary>Before the base64 of a shared secret.</summary>
    public const string SecretPrefix = "whsec_";

    /// <summary>Before the base64 of a public key.</summary>
    public const string PublicKeyPrefix = "whpk_";

    /// <summary>How far a timestamp may be from the receiver's clock.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>A shared secret as it is handed over: <c>whsec_</c> and base64.</summary>
    public static string WriteSecret(ReadOnlySpan<byte> secret) => SecretPrefix + Convert.ToBase64String(secret);

    /// <summary>Reads a shared secret, with or without its prefix; 24 to 64 bytes.</summary>
    public static bool TryReadSecret(string? text, out byte[] secret) => TryRead(text, SecretPrefix, out secret) && secret.Length is >= 24 and <= 64;

    /// <summary>A public key as receivers configure it: <c>whpk_</c> and base64.</summary>
    public static string WritePublicKey(ReadOnlySpan<byte> publicKey) => PublicKeyPrefix + Convert.ToBase64String(publicKey);

    /// <summary>Reads a public key, with or without its prefix.</summary>
    public static bool TryReadPublicKey(string? text, out byte[] publicKey) => TryRead(text, PublicKeyPrefix, out publicKey) && publicKey.Length == Ed25519.PublicKeySize;

    /// <summary><c>v1,…</c></summary>
    /// <param name="secret">The shared secret.</param>
    /// <param name="id">Value of <c>webhook-id</c>.</param>
    /// <param name="timestamp">Value of <c>webhook-timestamp</c>, Unix seconds.</param>
    /// <param name="body">The body, byte for byte.</param>
    public static string Sign(ReadOnlySpan<byte> secret, string id, long timestamp, ReadOnlySpan<byte> body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, Signed(id, timestamp, body)));

    /// <summary><c>v1a,…</c>; the parameters are those of <see cref="Sign(ReadOnlySpan{byte}, string, long, ReadOnlySpan{byte})"/>.</summary>
    public static string Sign(SigningKey key, string id, long timestamp, ReadOnlySpan<byte> body) => "v1a," + Convert.ToBase64String(key.Sign(Signed(id, timestamp, body)));

    /// <summary>True when the header holds a <c>v1</c> of this secret, and the timestamp is near to <paramref name="now"/>.</summary>
    public static bool Verify(ReadOnlySpan<byte> secret, string id, string timestamp, string header, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        if (!IsFresh(timestamp, now, out var seconds))
        {
            return false;
        }
        var expected = HMACSHA256.HashData(secret, Signed(id, seconds, body));
        var found = false;
        foreach (var signature in Values(header, "v1,"))
        {
            found |= CryptographicOperations.FixedTimeEquals(signature, expected);
        }
        return found;
    }

    /// <summary>True when the header holds a <c>v1a</c> of this public key, and the timestamp is near to <paramref name="now"/>.</summary>
    public static bool VerifyWithKey(ReadOnlySpan<byte> publicKey, string id, string timestamp, string header, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        if (!IsFresh(timestamp, now, out var seconds))
        {
            return false;
        }
        var signed = Signed(id, seconds, body);
        foreach (var signature in Values(header, "v1a,"))
        {
            if (Ed25519.Verify(publicKey, signed, signature))
            {
                return true;
            }
        }
        return false;
    }

    private static byte[] Signed(string id, long timestamp, ReadOnlySpan<byte> body) =>
        [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. body];

    private static bool IsFresh(string timestamp, DateTimeOffset now, out long seconds) =>
        long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && Math.Abs(now.ToUnixTimeSeconds() - seconds) <= Tolerance.TotalSeconds;

    private static IEnumerable<byte[]> Values(string header, string version)
    {
        foreach (var part in header.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part.StartsWith(version, StringComparison.Ordinal) && TryRead(part[version.Length..], "", out var value))
            {
                yield return value;
            }
        }
    }

    private static bool TryRead(string? text, string prefix, out byte[] value)
    {
        value = [];
        if (text is null)
        {
            return false;
        }
        var base64 = text.AsSpan(text.StartsWith(prefix, StringComparison.Ordinal) ? prefix.Length : 0);
        if (!Base64.IsValid(base64, out var length))
        {
            return false;
        }
        value = new byte[length];
        return Convert.TryFromBase64Chars(base64, value, out _);
    }
}
