using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LogLine.Protocol.Merkle;

/// <summary>
/// What the log commits to: its name, its size and its root (C2SP tlog-checkpoint). The body is the text of a signed note:
/// <code>
/// origin ⏎
/// size, decimal ⏎
/// root, base64 ⏎
/// </code>
/// </summary>
/// <param name="Origin">The log's name, one line, not empty. The ledger takes its note's key name.</param>
/// <param name="Size">Number of leaves.</param>
/// <param name="Root">The root of the tree of that size, 32 bytes.</param>
public sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    /// <summary>The text that is signed, newline at the end included.</summary>
    /// <exception cref="InvalidOperationException">No reader would take the text for this checkpoint: an origin of several lines, a negative size, a short root.</exception>
    public string Body
    {
        get
        {
            var body = string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");
            return TryParse(body, out var read) && read == this ? body : throw new InvalidOperationException("The checkpoint's origin, size or root is malformed.");
        }
    }

    /// <summary>
    /// Reads the body of a note. Lines after the third are extensions, which the format allows and a reader passes over; this ledger writes none.
    /// </summary>
    /// <returns>False for a missing or empty line, a size that is not plain decimal, a root that is not canonical base64 of 32 bytes, a control character.</returns>
    public static bool TryParse(string body, [NotNullWhen(true)] out Checkpoint? checkpoint)
    {
        checkpoint = null;
        if (!NoteText.IsBody(body))
        {
            return false;
        }
        var lines = body[..^1].Split('\n');
        if (lines.Length < 3 || Array.Exists(lines, line => line.Length == 0)
            || !DecimalText.TryParse(lines[1], out var size)
            || !StrictBase64.TryDecode(lines[2], MerkleHash.Size, out var root) || root.Length != MerkleHash.Size)
        {
            return false;
        }
        checkpoint = new Checkpoint(lines[0], size, root);
        return true;
    }

    /// <summary>Two checkpoints are equal when their bodies are.</summary>
    public bool Equals(Checkpoint? other) =>
        other is not null && Origin == other.Origin && Size == other.Size && Root.AsSpan().SequenceEqual(other.Root);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Origin, Size);
}
