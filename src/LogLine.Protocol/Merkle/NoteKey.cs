using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// How signed notes name an Ed25519 key and spell its lines (C2SP signed-note). The type byte keeps one key's plain signatures and its
/// timestamped cosignatures apart.
/// </summary>
internal static class NoteKey
{
    internal const byte Ed25519Type = 0x01;
    internal const byte CosignatureType = 0x04;

    private const int IdSize = 4;
    private const string LinePrefix = "— ";

    /// <summary>The first four bytes, big-endian, of SHA-256(name ‖ 0x0A ‖ type ‖ key).</summary>
    /// <exception cref="ArgumentException">The name is malformed, or the key is not 32 bytes long.</exception>
    internal static uint Id(string name, byte type, ReadOnlySpan<byte> publicKey)
    {
        if (!NoteText.IsName(name))
        {
            throw new ArgumentException("A key's name is not empty and has neither spaces nor plus signs.", nameof(name));
        }
        if (publicKey.Length != Ed25519.PublicKeySize)
        {
            throw new ArgumentException($"An Ed25519 public key has {Ed25519.PublicKeySize} bytes, this one has {publicKey.Length}.", nameof(publicKey));
        }
        return BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', type, .. publicKey]));
    }

    /// <summary>name+hex id+base64(type ‖ key).</summary>
    internal static string Text(string name, byte type, ReadOnlySpan<byte> publicKey) =>
        $"{name}+{Id(name, type, publicKey):x8}+{Convert.ToBase64String([type, .. publicKey])}";

    /// <summary>Reads what <see cref="Text"/> writes for a key of this type, and nothing else.</summary>
    internal static bool TryParse(string text, byte type, out string name, out byte[] publicKey)
    {
        (name, publicKey) = ("", []);
        // The base64 part may hold a plus itself: only the first two part the text.
        var parts = text?.Split('+', 3) ?? [];
        if (parts.Length != 3 || !NoteText.IsName(parts[0])
            || !StrictBase64.TryDecode(parts[2], 1 + Ed25519.PublicKeySize, out var key)
            || key.Length != 1 + Ed25519.PublicKeySize || key[0] != type
            || Text(parts[0], type, key.AsSpan(1)) != text)
        {
            return false;
        }
        (name, publicKey) = (parts[0], key[1..]);
        return true;
    }

    /// <summary>A signature line with its newline.</summary>
    internal static string Line(string name, byte type, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature)
    {
        Span<byte> id = stackalloc byte[IdSize];
        BinaryPrimitives.WriteUInt32BigEndian(id, Id(name, type, publicKey));
        return $"{LinePrefix}{name} {Convert.ToBase64String([.. id, .. signature])}\n";
    }

    /// <summary>Reads a signature line of any key and algorithm, without its newline.</summary>
    internal static bool TryParseLine(ReadOnlySpan<char> line, out NoteSignature signature)
    {
        signature = default;
        if (!line.StartsWith(LinePrefix, StringComparison.Ordinal))
        {
            return false;
        }
        line = line[LinePrefix.Length..];
        var space = line.IndexOf(' ');
        if (space < 0 || !NoteText.IsName(line[..space])
            || !StrictBase64.TryDecode(line[(space + 1)..], NoteText.MaxBytes, out var bytes) || bytes.Length <= IdSize)
        {
            return false;
        }
        signature = new NoteSignature(line[..space].ToString(), BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[IdSize..]);
        return true;
    }
}
