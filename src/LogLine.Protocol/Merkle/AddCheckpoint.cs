using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// What a log sends to a witness (C2SP tlog-witness, <c>add-checkpoint</c>):
/// <code>
/// old N ⏎
/// base64 hash ⏎                   (0 to 63, the consistency proof from size N)
/// (empty line)
/// the checkpoint, a signed note, verbatim
/// </code>
/// </summary>
/// <param name="OldSize">Size of the checkpoint that the witness cosigned last for this log; 0 for none.</param>
/// <param name="Proof">From that size to the checkpoint's, 32 bytes each; none from size 0.</param>
/// <param name="Note">The checkpoint with the log's signatures.</param>
public sealed record AddCheckpoint(long OldSize, IReadOnlyList<byte[]> Proof, string Note)
{
    /// <summary>Hashes in a request.</summary>
    public const int MaxHashes = 63;

    /// <summary>Bytes in a request.</summary>
    public const int MaxBytes = 64 + (MaxHashes * HashLineLength) + NoteText.MaxBytes;

    private const string OldPrefix = "old ";
    private const int HashLineLength = 45;

    /// <summary>The body of the request.</summary>
    public string Write()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{OldPrefix}{OldSize}\n");
        foreach (var hash in Proof)
        {
            text.Append(Convert.ToBase64String(hash)).Append('\n');
        }
        return text.Append('\n').Append(Note).ToString();
    }

    /// <summary>
    /// Reads a request and verifies nothing. False when a line is missing, out of order or spelt in another way than <see cref="Write"/> spells it, when a limit is
    /// passed, or when what follows the empty line is not a note whose body is a checkpoint.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out AddCheckpoint? request, [NotNullWhen(true)] out Checkpoint? checkpoint)
    {
        (request, checkpoint) = (null, null);
        if (text is null || text.Length > MaxBytes || !text.StartsWith(OldPrefix, StringComparison.Ordinal))
        {
            return false;
        }
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }
        var lines = text[OldPrefix.Length..end].Split('\n');
        var proof = new List<byte[]>();
        foreach (var line in lines.Skip(1))
        {
            if (proof.Count == MaxHashes || !StrictBase64.TryDecode(line, MerkleHash.Size, out var hash) || hash.Length != MerkleHash.Size)
            {
                return false;
            }
            proof.Add(hash);
        }
        var note = text[(end + 2)..];
        if (!DecimalText.TryParse(lines[0], out var oldSize) || !SignedNote.TryParse(note, out var body, out _) || !Checkpoint.TryParse(body, out checkpoint))
        {
            return false;
        }
        request = new AddCheckpoint(oldSize, proof, note);
        return true;
    }
}
