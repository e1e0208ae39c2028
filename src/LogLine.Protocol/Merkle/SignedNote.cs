using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Merkle;

/// <summary>One signature line of a note, as written. It says who claims to have signed, not that it is so.</summary>
/// <param name="KeyName">The key's name.</param>
/// <param name="KeyId">The first four bytes of the key's id, big-endian.</param>
/// <param name="Signature">The bytes after the key id: 64 for Ed25519, others for other algorithms.</param>
public readonly record struct NoteSignature(string KeyName, uint KeyId, byte[] Signature);

/// <summary>
/// Text signed by one or more keys (C2SP signed-note), Ed25519 alone:
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

    private const byte Ed25519Type = 0x01;
    private const int KeyIdSize = 4;
    private const string LinePrefix = "— ";

    /// <summary>A note with one signature.</summary>
    /// <param name="body">Text that ends in a newline and has no other control character.</param>
    /// <param name="keyName">No space, no plus.</param>
    /// <param name="key">The Ed25519 key.</param>
    /// <exception cref="ArgumentException">Body or name is not as said, or the note would be longer than 64 KiB.</exception>
    public static string Sign(string body, string keyName, SigningKey key)
    {
        RequireBody(body);
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
    /// <exception cref="ArgumentException">The note is malformed, or a limit is passed.</exception>
    /// <returns>False when <paramref name="line"/> is not exactly one signature line with its newline.</returns>
    public static bool TryAddLine(string note, string line, out string extended)
    {
        RequireNote(note, out _);
        extended = note;
        if (line is null || !NoteText.IsBody(line) || line.IndexOf('\n', StringComparison.Ordinal) != line.Length - 1 || !TryParseLine(line.AsSpan()[..^1], out _))
        {
            return false;
        }
        extended = WithinLimits(note + line);
        return true;
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
            if (parsed.Count == MaxSignatures || !TryParseLine(rest[line], out var signature))
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

    /// <summary>The id of an Ed25519 key under a name; big-endian in a signature line.</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    public static uint KeyId(string keyName, ReadOnlySpan<byte> publicKey)
    {
        RequireName(keyName);
        RequireKey(publicKey);
        return BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(keyName), (byte)'\n', Ed25519Type, .. publicKey]));
    }

    /// <summary>The text by which verifiers are told a key: <c>name+hex id+base64(0x01 ‖ key)</c>.</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    public static string VerifierKey(string keyName, ReadOnlySpan<byte> publicKey) =>
        $"{keyName}+{KeyId(keyName, publicKey):x8}+{Convert.ToBase64String([Ed25519Type, .. publicKey])}";

    /// <summary>Reads what <see cref="VerifierKey"/> writes. False when the id is not the key's, or the key is not an Ed25519 one.</summary>
    public static bool TryParseVerifierKey(string text, out string keyName, out byte[] publicKey)
    {
        (keyName, publicKey) = ("", []);
        // The base64 part may hold a plus itself: only the first two part the text.
        var parts = text?.Split('+', 3) ?? [];
        if (parts.Length != 3 || !NoteText.IsName(parts[0])
            || !StrictBase64.TryDecode(parts[2], 1 + Ed25519.PublicKeySize, out var key)
            || key.Length != 1 + Ed25519.PublicKeySize || key[0] != Ed25519Type
            || VerifierKey(parts[0], key.AsSpan(1)) != text)
        {
            return false;
        }
        (keyName, publicKey) = (parts[0], key[1..]);
        return true;
    }

    private static string SignatureLine(string body, string keyName, SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Span<byte> keyId = stackalloc byte[KeyIdSize];
        BinaryPrimitives.WriteUInt32BigEndian(keyId, KeyId(keyName, key.PublicKey));
        return $"{LinePrefix}{keyName} {Convert.ToBase64String([.. keyId, .. key.Sign(Encoding.UTF8.GetBytes(body))])}\n";
    }

    private static bool TryParseLine(ReadOnlySpan<char> line, out NoteSignature signature)
    {
        signature = default;
        if (!line.StartsWith(LinePrefix, StringComparison.Ordinal))
        {
            return false;
        }
        line = line[LinePrefix.Length..];
        var space = line.IndexOf(' ');
        if (space < 0 || !NoteText.IsName(line[..space])
            || !StrictBase64.TryDecode(line[(space + 1)..], NoteText.MaxBytes, out var bytes) || bytes.Length <= KeyIdSize)
        {
            return false;
        }
        signature = new NoteSignature(line[..space].ToString(), BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[KeyIdSize..]);
        return true;
    }

    private static void RequireBody(string body)
    {
        if (!NoteText.IsBody(body))
        {
            throw new ArgumentException("A note's text ends in a newline, has at most 64 KiB, and no other control character.", nameof(body));
        }
    }

    private static void RequireNote(string note, out string body)
    {
        if (!TryParse(note, out body, out _))
        {
            throw new ArgumentException("This is not a signed note.", nameof(note));
        }
    }

    private static void RequireName(string keyName)
    {
        if (!NoteText.IsName(keyName))
        {
            throw new ArgumentException("A key's name is not empty and has neither spaces nor plus signs.", nameof(keyName));
        }
    }

    private static void RequireKey(ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != Ed25519.PublicKeySize)
        {
            throw new ArgumentException($"An Ed25519 public key has {Ed25519.PublicKeySize} bytes, this one has {publicKey.Length}.", nameof(publicKey));
        }
    }

    private static string WithinLimits(string note) =>
        TryParse(note, out _, out _) ? note : throw new ArgumentException($"A note has at most {NoteText.MaxBytes} bytes and {MaxSignatures} signatures.", nameof(note));
}
