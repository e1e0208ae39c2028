using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// A proof that an entry is in the log, for a reader without a network (C2SP tlog-proof):
/// <code>
/// c2sp.org/tlog-proof@v1 ⏎
/// extra base64 ⏎                  (absent when there is none)
/// index N ⏎
/// base64 hash ⏎                   (0 to 63, from the leaf's sibling up)
/// (empty line)
/// the checkpoint, a signed note, verbatim
/// </code>
/// </summary>
/// <param name="Extra">Opaque bytes, at most 65,535; the ledger puts the entry here (contract, section 9). Not covered by the proof itself. Null when absent.</param>
/// <param name="Index">The entry's index, from 0.</param>
/// <param name="Hashes">The inclusion proof in the tree of the checkpoint's size.</param>
/// <param name="Checkpoint">The signed note.</param>
public sealed record TlogProof(byte[]? Extra, long Index, IReadOnlyList<byte[]> Hashes, string Checkpoint)
{
    /// <summary>Bytes of extra data: what an entry bundle can hold (C2SP tlog-tiles).</summary>
    public const int MaxExtraBytes = ushort.MaxValue;

    /// <summary>Hashes in an inclusion proof: a tree has at most 2^63 - 1 leaves.</summary>
    public const int MaxHashes = 63;

    private const string FirstLine = "c2sp.org/tlog-proof@v1";
    private const string ExtraPrefix = "extra ";
    private const string IndexPrefix = "index ";
    private const int HashLineLength = 45;
    private const int MaxLength = 256 + (MaxExtraBytes * 4 / 3) + (MaxHashes * HashLineLength) + NoteText.MaxBytes;

    /// <summary>The proof as text, by the file extension <c>.tlog-proof</c>.</summary>
    /// <param name="extra">Null writes no line.</param>
    /// <param name="index">The entry's index, from 0.</param>
    /// <param name="hashes">The inclusion proof, 32 bytes each.</param>
    /// <param name="checkpoint">A signed note whose body is a checkpoint.</param>
    /// <exception cref="ArgumentException">A part passes its limit, or the checkpoint is not a signed note.</exception>
    public static string Write(byte[]? extra, long index, IReadOnlyList<byte[]> hashes, string checkpoint)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        var text = new StringBuilder().Append(FirstLine).Append('\n');
        if (extra is not null)
        {
            text.Append(ExtraPrefix).Append(Convert.ToBase64String(extra)).Append('\n');
        }
        text.Append(CultureInfo.InvariantCulture, $"{IndexPrefix}{index}\n");
        foreach (var hash in hashes)
        {
            text.Append(Convert.ToBase64String(hash)).Append('\n');
        }
        var written = text.Append('\n').Append(checkpoint).ToString();
        return TryParse(written, out _)
            ? written
            : throw new ArgumentException("The index is negative, a hash is not 32 bytes long, the checkpoint is not a signed checkpoint, or a limit is passed.");
    }

    /// <summary>
    /// Reads a proof and verifies nothing. False when a line is missing, out of order, or spelt in another way than <see cref="Write"/> spells it,
    /// when a limit is passed, or when what follows the empty line is not a note whose body is a checkpoint.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out TlogProof? proof)
    {
        proof = null;
        if (text is null || text.Length > MaxLength)
        {
            return false;
        }
        var rest = text.AsSpan();
        if (!TryTakeLine(ref rest, out var line) || !line.SequenceEqual(FirstLine) || !TryTakeLine(ref rest, out line))
        {
            return false;
        }
        byte[]? extra = null;
        if (line.StartsWith(ExtraPrefix, StringComparison.Ordinal))
        {
            if (!StrictBase64.TryDecode(line[ExtraPrefix.Length..], MaxExtraBytes, out extra) || !TryTakeLine(ref rest, out line))
            {
                return false;
            }
        }
        if (!line.StartsWith(IndexPrefix, StringComparison.Ordinal) || !DecimalText.TryParse(line[IndexPrefix.Length..], out var index)
            || !TryTakeHashes(ref rest, out var hashes))
        {
            return false;
        }
        var checkpoint = rest.ToString();
        if (!SignedNote.TryParse(checkpoint, out var body, out _) || !Merkle.Checkpoint.TryParse(body, out _))
        {
            return false;
        }
        proof = new TlogProof(extra, index, hashes, checkpoint);
        return true;
    }

    /// <summary>
    /// True when the log signed the checkpoint and <paramref name="entry"/> is its leaf <see cref="Index"/>. The log is known by its origin, which is
    /// its key's name, and by its public key; both come from the verifier, never from the proof.
    /// </summary>
    /// <param name="entry">The bytes that hash to the leaf.</param>
    /// <param name="origin">The log's origin and key name.</param>
    /// <param name="publicKey">The log's Ed25519 public key, 32 bytes.</param>
    /// <param name="checkpoint">What the log committed to; null unless true is returned.</param>
    public bool TryVerify(ReadOnlySpan<byte> entry, string origin, ReadOnlySpan<byte> publicKey, [NotNullWhen(true)] out Checkpoint? checkpoint)
    {
        checkpoint = null;
        if (!SignedNote.TryVerify(Checkpoint, origin, publicKey, out var body, out _)
            || !Merkle.Checkpoint.TryParse(body, out var signed) || signed.Origin != origin
            || !MerkleProof.VerifyInclusion(Index, signed.Size, MerkleHash.Leaf(entry), Hashes, signed.Root))
        {
            return false;
        }
        checkpoint = signed;
        return true;
    }

    private static bool TryTakeHashes(ref ReadOnlySpan<char> rest, out List<byte[]> hashes)
    {
        hashes = [];
        while (TryTakeLine(ref rest, out var line))
        {
            if (line.IsEmpty)
            {
                return true;
            }
            if (hashes.Count == MaxHashes || !StrictBase64.TryDecode(line, MerkleHash.Size, out var hash) || hash.Length != MerkleHash.Size)
            {
                return false;
            }
            hashes.Add(hash);
        }
        return false;
    }

    private static bool TryTakeLine(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> line)
    {
        var end = rest.IndexOf('\n');
        line = end < 0 ? default : rest[..end];
        rest = rest[(end + 1)..];
        return end >= 0;
    }
}
