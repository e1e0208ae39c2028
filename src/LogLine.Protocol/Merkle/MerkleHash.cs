using System.Security.Cryptography;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// The two hashes of the ledger's tree (RFC 6962, section 2.1; RFC 9162, section 2.1.1; contract, section 9). A leaf and a node
/// start with different bytes, so that neither can be passed off as the other.
/// </summary>
public static class MerkleHash
{
    /// <summary>Bytes in every hash of the tree (SHA-256).</summary>
    public const int Size = 32;

    private const byte LeafPrefix = 0x00;
    private const byte NodePrefix = 0x01;

    // Entries of the ledger have 300 to 500 bytes: they are hashed from the stack, longer ones from an array.
    private const int EntryBytesOnStack = 1024;

    private static readonly byte[] EmptyRootBytes = SHA256.HashData([]);

    /// <summary>The root of a tree without leaves: SHA-256 of nothing.</summary>
    public static ReadOnlySpan<byte> EmptyRoot => EmptyRootBytes;

    /// <summary>SHA-256(0x00 ‖ entry), 32 bytes.</summary>
    public static byte[] Leaf(ReadOnlySpan<byte> entry)
    {
        var hash = new byte[Size];
        Leaf(entry, hash);
        return hash;
    }

    /// <summary>Writes SHA-256(0x00 ‖ entry) into the first 32 bytes of <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public static void Leaf(ReadOnlySpan<byte> entry, Span<byte> destination)
    {
        var length = entry.Length + 1;
        var input = length <= EntryBytesOnStack ? stackalloc byte[length] : new byte[length];
        input[0] = LeafPrefix;
        entry.CopyTo(input[1..]);
        ShortSha256.Hash(input, destination);
    }

    /// <summary>SHA-256(0x01 ‖ left ‖ right), 32 bytes.</summary>
    /// <exception cref="ArgumentException">A child is not 32 bytes long.</exception>
    public static byte[] Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var hash = new byte[Size];
        Node(left, right, hash);
        return hash;
    }

    /// <summary>
    /// Writes SHA-256(0x01 ‖ left ‖ right) into the first 32 bytes of <paramref name="destination"/>, which may be one of the children.
    /// </summary>
    /// <exception cref="ArgumentException">A child is not 32 bytes long, or the destination is shorter.</exception>
    public static void Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> destination)
    {
        RequireSize(left, nameof(left));
        RequireSize(right, nameof(right));
        Span<byte> input = stackalloc byte[1 + (2 * Size)];
        input[0] = NodePrefix;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + Size)..]);
        ShortSha256.Hash(input, destination);
    }

    internal static void RequireSize(ReadOnlySpan<byte> hash, string name)
    {
        if (hash.Length != Size)
        {
            throw new ArgumentException($"A hash of the tree has {Size} bytes, this one has {hash.Length}.", name);
        }
    }
}
