using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// A witness's statement that it saw a checkpoint extend every earlier one of its log (C2SP tlog-cosignature, version 1): a signature line whose bytes are a
/// big-endian 64-bit time and an Ed25519 signature over
/// <code>
/// cosignature/v1 ⏎
/// time N ⏎
/// the checkpoint's body
/// </code>
/// It says nothing about who issued the checkpoint: the log's own signature does.
/// </summary>
public static class Cosignature
{
    private const int TimeSize = sizeof(long);

    /// <summary>The line to add to a note with <see cref="SignedNote.TryAddLine"/>.</summary>
    /// <param name="body">The checkpoint's body.</param>
    /// <param name="witnessName">No space, no plus.</param>
    /// <param name="key">The witness's key.</param>
    /// <param name="unixSeconds">When the witness signs, in seconds since 1970-01-01 UTC.</param>
    /// <exception cref="ArgumentException">The body is no checkpoint, the name is malformed, or the time is negative.</exception>
    public static string Line(string body, string witnessName, SigningKey key, long unixSeconds)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegative(unixSeconds);
        if (!Checkpoint.TryParse(body, out _))
        {
            throw new ArgumentException("This is not the body of a checkpoint.", nameof(body));
        }
        Span<byte> signature = stackalloc byte[TimeSize + Ed25519.SignatureSize];
        BinaryPrimitives.WriteInt64BigEndian(signature, unixSeconds);
        key.Sign(Message(body, unixSeconds)).CopyTo(signature[TimeSize..]);
        return NoteKey.Line(witnessName, NoteKey.CosignatureType, key.PublicKey, signature);
    }

    /// <summary>
    /// True when the note's body is a checkpoint and the witness cosigned it. A second line of the same witness that does not verify spoils
    /// the note; of several that do, the latest time counts.
    /// </summary>
    /// <param name="note">The checkpoint with its signatures.</param>
    /// <param name="witnessName">The name under which the verifier knows the witness.</param>
    /// <param name="publicKey">The witness's Ed25519 public key, 32 bytes; another length is false.</param>
    /// <param name="unixSeconds">When the witness signed; 0 unless true is returned.</param>
    public static bool TryVerify(string note, string witnessName, ReadOnlySpan<byte> publicKey, out long unixSeconds)
    {
        unixSeconds = 0;
        if (publicKey.Length != Ed25519.PublicKeySize || !NoteText.IsName(witnessName)
            || !SignedNote.TryParse(note, out var body, out var signatures) || !Checkpoint.TryParse(body, out _))
        {
            return false;
        }
        var keyId = NoteKey.Id(witnessName, NoteKey.CosignatureType, publicKey);
        long latest = -1;
        foreach (var candidate in signatures)
        {
            if (candidate.KeyId != keyId || candidate.KeyName != witnessName)
            {
                continue;
            }
            if (!IsCosigned(body, publicKey, candidate.Signature, out var time))
            {
                return false;
            }
            latest = Math.Max(latest, time);
        }
        unixSeconds = Math.Max(latest, 0);
        return latest >= 0;
    }

    /// <summary>The text by which verifiers are told a witness: <c>name+hex id+base64(0x04 ‖ key)</c>.</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    public static string VerifierKey(string witnessName, ReadOnlySpan<byte> publicKey) => NoteKey.Text(witnessName, NoteKey.CosignatureType, publicKey);

    /// <summary>Reads what <see cref="VerifierKey"/> writes. False when the id is not the key's, or the key is not a witness's.</summary>
    public static bool TryParseVerifierKey(string text, out string witnessName, out byte[] publicKey) =>
        NoteKey.TryParse(text, NoteKey.CosignatureType, out witnessName, out publicKey);

    private static bool IsCosigned(string body, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature, out long time)
    {
        time = -1;
        if (signature.Length != TimeSize + Ed25519.SignatureSize)
        {
            return false;
        }
        time = BinaryPrimitives.ReadInt64BigEndian(signature);
        return time >= 0 && Ed25519.Verify(publicKey, Message(body, time), signature[TimeSize..]);
    }

    private static byte[] Message(string body, long unixSeconds) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {unixSeconds}\n{body}"));
}
