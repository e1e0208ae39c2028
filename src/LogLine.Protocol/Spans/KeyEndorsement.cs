using System.Globalization;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Spans;

/// <summary>
/// What a log key says about its successor: a signed note that whoever knows the old key can verify, so that nobody has to trust the answer of <c>/v1/keys</c>.
/// <code>
/// logline/server-key/v1 ⏎
/// origin ⏎
/// log ⏎                     (or span)
/// kid ⏎
/// public key, hex ⏎
/// from tree size, decimal ⏎
/// </code>
/// Its second line is no number, so that it can never be taken for a checkpoint.
/// </summary>
public static class KeyEndorsement
{
    private const string FirstLine = "logline/server-key/v1";

    /// <summary>The note by which <paramref name="signer"/> vouches for a key.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <param name="use"><c>log</c> or <c>span</c>.</param>
    /// <param name="kid">Id of the new key.</param>
    /// <param name="publicKey">The new key, 32 bytes.</param>
    /// <param name="from">Size of the log when it begins.</param>
    /// <param name="signer">The log key in force.</param>
    public static string Sign(string origin, string use, string kid, ReadOnlySpan<byte> publicKey, long from, SigningKey signer) =>
        SignedNote.Sign(Body(origin, use, kid, publicKey, from), origin, signer);

    /// <summary>
    /// The log keys that follow from a known one: the key itself and every later one that it, or a key so found, has endorsed.
    /// </summary>
    /// <param name="serverKeys">The answer of <c>GET /v1/keys</c>, from anywhere.</param>
    /// <param name="known">The log key that the verifier knows, 32 bytes.</param>
    public static IReadOnlyList<byte[]> LogKeysFrom(JsonElement serverKeys, byte[] known)
    {
        var trusted = new List<byte[]> { known };
        var origin = serverKeys.Text("origin") ?? "";
        foreach (var item in serverKeys.Items("keys"))
        {
            // Oldest first, so that one pass follows the chain.
            if (item.Text("use") == "log" && item.Text("kid") is { } kid && DomainSignature.TryDecodePublicKey(item.Text("public_key"), out var key)
                && item.Integer("from_tree_size") is { } from && item.Text("endorsement") is { } note
                && SignedNote.TryVerifyAny(note, origin, trusted, out var body) && body == Body(origin, "log", kid, key, from))
            {
                trusted.Add(key);
            }
        }
        return trusted;
    }

    /// <summary>From which size of the log on a span key signs; null when none of these log keys has endorsed it, or it signs no more.</summary>
    /// <param name="serverKeys">The answer of <c>GET /v1/keys</c>, from anywhere.</param>
    /// <param name="logKeys">Log keys that the verifier trusts (<see cref="LogKeysFrom"/>).</param>
    /// <param name="spanKey">The span key, 32 bytes.</param>
    public static long? SpanKeyFrom(JsonElement serverKeys, IReadOnlyList<byte[]> logKeys, byte[] spanKey)
    {
        var origin = serverKeys.Text("origin") ?? "";
        foreach (var item in serverKeys.Items("keys"))
        {
            if (item.Text("use") == "span" && item.Text("kid") is { } kid && DomainSignature.TryDecodePublicKey(item.Text("public_key"), out var key) && key.AsSpan().SequenceEqual(spanKey)
                && item.Integer("until_tree_size") is null && item.Integer("from_tree_size") is { } from && item.Text("endorsement") is { } note
                && SignedNote.TryVerifyAny(note, origin, logKeys, out var body) && body == Body(origin, "span", kid, key, from))
            {
                return from;
            }
        }
        return null;
    }

    private static string Body(string origin, string use, string kid, ReadOnlySpan<byte> publicKey, long from) =>
        string.Create(CultureInfo.InvariantCulture, $"{FirstLine}\n{origin}\n{use}\n{kid}\n{Convert.ToHexStringLower(publicKey)}\n{from}\n");
}
