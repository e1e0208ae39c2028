using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Merkle;

/// <summary>One signature line of a note, as written. It says who claims to have signed, not that it is so.</summary>
/// <param name="KeyName">The key's name.</param>
/// <param name="KeyId">The first four bytes of the key's id, big-endian.</param>
/// <param name="Signature">The bytes after the key id: 64 for Ed25519, 72 for a cosignature, others for other algorithms.</param>
public readonly record struct NoteSignature(string KeyName, uint KeyId, byte[] Signature);

/// <summary>
/// Text signed by one or more keys (C2SP signed-note), with Ed25519:
/// <code>
/// body, each line with its newline
/// (empty line)
/// — key name, space, base64(key id ‖ signature) ⏎
/// </code>
/// The key id is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ 32-byte public key). A note has 64 KiB and 100 signatures at most. Lines of keys
/// that the reader does not know are kept and passed over: cosignatures of witnesses, and the other log key while one replaces the other.
/// </summary>
public static class SignedNote
{
    /// <summary>Signatures in one note.</summary>
    public const int MaxSignatures = 100;

    /// <summary>Bytes in a note, signatures included.</summary>
    public const int MaxBytes = NoteText.MaxBytes;

    /// <summary>A note with one signature.</summary>
    /// <param name="body">Text that ends in a newline and has no other control character.</param>
    /// <param name="keyName">No space, no plus.</param>
    /// <param name="key">The Ed25519 key.</param>
    /// <exception cref="ArgumentException">Body or name is not as said, or the note would be longer than 64 KiB.</exception>
    public static string Sign(string body, string keyName, SigningKey key)
    {
        if (!NoteText.IsBody(body))
        {
            throw new ArgumentException("A note's text ends in a newline, has at most 64 KiB, and no other control character.", nameof(body));
        }
        return WithinLimits($"{body}\n{SignatureLine(body, keyName, key)}");
    }

    /// <summary>The note with one more signature at its end; those before it are kept as they are.</summary>
    /// <exception cref="ArgumentException">The note or the name is malformed, or a limit is passed.</exception>
    public static string AddSignature(string note, string keyName, SigningKey key)
    {
        RequireNote(note, out var body);
        return WithinLimits(note + SignatureLine(body, keyName, key));
    }

    /// <summary>The note with a line that another signer made (a witness's cosignature), whose signature is not looked at.</summary>
    /// <exception cref="ArgumentException">The note itself is malformed.</exception>
    /// <returns>False when <paramref name="line"/> is not exactly one signature line with its newline, or the note has no room for it.</returns>
    public static bool TryAddLine(string note, string line, out string extended)
    {
        RequireNote(note, out _);
        extended = note;
        if (!NoteText.IsBody(line) || !NoteKey.TryParseLine(line.AsSpan()[..^1], out _) || !TryParse(note + line, out _, out _))
        {
            return false;
        }
        extended = note + line;
        return true;
    }

    /// <summary>The note with some of its signature lines, as they are; none of them is verified.</summary>
    /// <param name="note">A well-formed note.</param>
    /// <param name="keep">Which lines stay.</param>
    /// <param name="body">The signed text.</param>
    /// <exception cref="ArgumentException">The note is malformed, or no line stays.</exception>
    public static string Select(string note, Func<NoteSignature, bool> keep, out string body)
    {
        ArgumentNullException.ThrowIfNull(keep);
        RequireNote(note, out body);
        var lines = note[(body.Length + 1)..^1].Split('\n').Where(line => NoteKey.TryParseLine(line, out var signature) && keep(signature));
        return WithinLimits($"{body}\n{string.Concat(lines.Select(line => line + '\n'))}");
    }

    /// <summary>Takes a note apart without verifying anything. False when it is malformed or passes a limit.</summary>
    public static bool TryParse(string note, out string body, out IReadOnlyList<NoteSignature> signatures)
    {
        signatures = [];
        if (!NoteText.TrySplit(note, out body, out var lines))
        {
            return false;
        }
        var parsed = new List<NoteSignature>();
        var rest = lines.AsSpan()[..^1];
        foreach (var line in rest.Split('\n'))
        {
            if (parsed.Count == MaxSignatures || !NoteKey.TryParseLine(rest[line], out var signature))
            {
                body = "";
                return false;
            }
            parsed.Add(signature);
        }
        signatures = parsed;
        return true;
    }

    /// <summary>
    /// True when the note is well-formed and the key of this name signed its body. A second line of the same key that does not verify spoils
    /// the note. Lines of other keys are passed over.
    /// </summary>
    /// <param name="note">Text from anywhere.</param>
    /// <param name="keyName">The name under which the verifier knows the key.</param>
    /// <param name="publicKey">The Ed25519 public key, 32 bytes; another length is false.</param>
    /// <param name="body">The signed text; empty unless true is returned.</param>
    /// <param name="signature">The key's signature, 64 bytes; empty unless true is returned.</param>
    public static bool TryVerify(string note, string keyName, ReadOnlySpan<byte> publicKey, out string body, out byte[] signature)
    {
        (body, signature) = ("", []);
        if (publicKey.Length != Ed25519.PublicKeySize || !NoteText.IsName(keyName) || !TryParse(note, out var text, out var signatures))
        {
            return false;
        }
        var keyId = KeyId(keyName, publicKey);
        var message = Encoding.UTF8.GetBytes(text);
        byte[]? verified = null;
        foreach (var candidate in signatures)
        {
            if (candidate.KeyId != keyId || candidate.KeyName != keyName)
            {
                continue;
            }
            if (!Ed25519.Verify(publicKey, message, candidate.Signature))
            {
                return false;
            }
            verified ??= candidate.Signature;
        }
        if (verified is null)
        {
            return false;
        }
        (body, signature) = (text, verified);
        return true;
    }

    /// <summary>
    /// True when at least one of several keys of this name signed the note's body, and none of them has a line that does not verify: a log whose key is being
    /// replaced signs with both.
    /// </summary>
    /// <param name="note">Text from anywhere.</param>
    /// <param name="keyName">The name under which the verifier knows the keys.</param>
    /// <param name="publicKeys">The Ed25519 public keys, 32 bytes each.</param>
    /// <param name="body">The signed text; empty unless true is returned.</param>
    public static bool TryVerifyAny(string note, string keyName, IReadOnlyList<byte[]> publicKeys, out string body)
    {
        ArgumentNullException.ThrowIfNull(publicKeys);
        body = "";
        if (!NoteText.IsName(keyName) || !TryParse(note, out var text, out var signatures))
        {
            return false;
        }
        var known = publicKeys.Where(key => key.Length == Ed25519.PublicKeySize).ToLookup(key => KeyId(keyName, key));
        var message = Encoding.UTF8.GetBytes(text);
        var counting = signatures.Where(line => line.KeyName == keyName && known.Contains(line.KeyId)).ToList();
        if (counting.Count == 0 || !counting.TrueForAll(line => known[line.KeyId].Any(key => Ed25519.Verify(key, message, line.Signature))))
        {
            return false;
        }
        body = text;
        return true;
    }

    /// <summary>The id of an Ed25519 key under a name; big-endian in a signature line.</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    public static uint KeyId(string keyName, ReadOnlySpan<byte> publicKey) => NoteKey.Id(keyName, NoteKey.Ed25519Type, publicKey);

    /// <summary>The text by which verifiers are told a key: <c>name+hex id+base64(0x01 ‖ key)</c>.</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    public static string VerifierKey(string keyName, ReadOnlySpan<byte> publicKey) => NoteKey.Text(keyName, NoteKey.Ed25519Type, publicKey);

    /// <summary>Reads what <see cref="VerifierKey"/> writes. False when the id is not the key's, or the key is not an Ed25519 one.</summary>
    public static bool TryParseVerifierKey(string text, out string keyName, out byte[] publicKey) =>
        NoteKey.TryParse(text, NoteKey.Ed25519Type, out keyName, out publicKey);

    private static string SignatureLine(string body, string keyName, SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return NoteKey.Line(keyName, NoteKey.Ed25519Type, key.PublicKey, key.Sign(Encoding.UTF8.GetBytes(body)));
    }

    private static void RequireNote(string note, out string body)
    {
        if (!TryParse(note, out body, out _))
        {
            throw new ArgumentException("This is not a signed note.", nameof(note));
        }
    }

    private static string WithinLimits(string note) =>
        TryParse(note, out _, out _) ? note : throw new ArgumentException($"A note has at most {MaxBytes} bytes and {MaxSignatures} signatures.", nameof(note));
}
