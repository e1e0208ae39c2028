using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Spans;

/// <summary>
/// Proof that a span is in the ledger (contract, section 9). It needs no signature of its own: the entry hashes to the leaf, the
/// proof leads to the root, and <c>signature</c> is the log key's on the checkpoint with that root. Nothing in it is taken on trust.
/// </summary>
public sealed record Receipt
{
    /// <summary>The ledger entry.</summary>
    public required LedgerEntry Entry { get; init; }

    /// <summary>Position in the log, from 0.</summary>
    public required long LogIndex { get; init; }

    /// <summary>Size of the tree that the checkpoint signs.</summary>
    public required long TreeSize { get; init; }

    /// <summary>SHA-256 root of that tree.</summary>
    public required byte[] RootHash { get; init; }

    /// <summary>Sibling hashes from the leaf up (RFC 9162, section 2.1.3).</summary>
    public required IReadOnlyList<byte[]> InclusionProof { get; init; }

    /// <summary>The checkpoint as a C2SP signed note.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Id of the log key.</summary>
    public required string Kid { get; init; }

    /// <summary>The 64 bytes of the log key's signature on the checkpoint.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Writes the receipt as the Ack carries it.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("ts", Entry.ReceivedAt);
        json.WriteString("hash", Entry.Hash);
        json.WriteString("kid", Kid);
        json.WriteBase64String("signature", Signature);
        json.WriteNumber("log_index", LogIndex);
        json.WritePropertyName("entry");
        WriteEntry(json);
        json.WriteStartObject("merkle");
        json.WriteNumber("tree_size", TreeSize);
        TreeHashText.Write(json, "root_hash", RootHash);
        TreeHashText.Write(json, "inclusion_proof", InclusionProof);
        json.WriteString("checkpoint", Checkpoint);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteEntry(Utf8JsonWriter json)
    {
        Span<byte> room = stackalloc byte[LedgerEntry.UsualBytes];
        json.WriteRawValue(Entry.MostBytes <= room.Length ? room[..Entry.WriteTo(room)] : Entry.ToUtf8(), skipInputValidation: true);
    }

    /// <summary>Reads a receipt, or the whole Ack that carries one.</summary>
    /// <returns>Null and the receipt, or what is wrong with it.</returns>
    public static string? TryRead(JsonElement json, out Receipt receipt)
    {
        receipt = null!;
        if (json.Member("receipt") is { ValueKind: JsonValueKind.Object } inner)
        {
            json = inner;
        }
        if (!LedgerEntry.TryParse(json.Member("entry"), out var entry))
        {
            return "entry: is missing or is not a ledger entry of version 1";
        }
        if (json.Text("ts") != entry.ReceivedAt)
        {
            return "ts: differs from entry.received_at";
        }
        if (json.Text("hash") != entry.Hash)
        {
            return "hash: differs from entry.hash";
        }
        var merkle = json.Member("merkle");
        if (!DomainSignature.TryDecode(json.Text("signature"), out var signature))
        {
            return "signature: is not the base64 of 64 bytes";
        }
        if (json.Integer("log_index") is not { } index || merkle.Integer("tree_size") is not { } size)
        {
            return "log_index and merkle.tree_size must be integers";
        }
        if (!TreeHashText.TryRead(merkle.Text("root_hash"), out var root))
        {
            return "merkle.root_hash: is not sha256:<64 hex>";
        }
        if (TreeHashText.TryRead(merkle.Items("inclusion_proof"), "merkle.inclusion_proof", out var proof) is { } fault)
        {
            return fault;
        }
        receipt = new Receipt
        {
            Entry = entry,
            LogIndex = index,
            TreeSize = size,
            RootHash = root,
            InclusionProof = proof,
            Checkpoint = merkle.Text("checkpoint") ?? "",
            Kid = json.Text("kid") ?? "",
            Signature = signature,
        };
        return null;
    }

    /// <summary>True for bytes that begin as a receipt in its other form does: a C2SP tlog-proof.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => bytes.StartsWith("c2sp.org/tlog-proof@"u8);

    /// <summary>
    /// Reads a receipt from a C2SP tlog-proof whose extra data is the entry. Size and root are those of its checkpoint, the signature is that of the checkpoint's first line under the
    /// log's own name; which key that is, the text does not say.
    /// </summary>
    /// <returns>Null and the receipt, or what is wrong with it.</returns>
    public static string? TryReadText(string text, out Receipt receipt)
    {
        receipt = null!;
        if (!TlogProof.TryParse(text, out var proof) || !SignedNote.TryParse(proof.Checkpoint, out var body, out var lines) || !Merkle.Checkpoint.TryParse(body, out var checkpoint))
        {
            return "the text is no C2SP tlog-proof of version 1";
        }
        if (!CanonicalJson.TryRead(proof.Extra ?? [], out var json, out _) || !LedgerEntry.TryParse(json.Root, out var entry) || !entry.IsWritten(proof.Extra))
        {
            return "extra: is missing or is not a ledger entry of version 1, in its one spelling";
        }
        receipt = new Receipt
        {
            Entry = entry,
            LogIndex = proof.Index,
            TreeSize = checkpoint.Size,
            RootHash = checkpoint.Root,
            InclusionProof = proof.Hashes,
            Checkpoint = proof.Checkpoint,
            Kid = "",
            Signature = lines.FirstOrDefault(line => line.KeyName == checkpoint.Origin).Signature ?? [],
        };
        return null;
    }

    /// <summary>
    /// Verifies everything that the receipt says, offline. A span, when given, must be the one that it is about.
    /// </summary>
    /// <param name="logKey">The server's public log key, 32 bytes, obtained in another way than from the receipt.</param>
    /// <param name="span">The canonical span, or empty.</param>
    /// <param name="origin">The log's origin when the verifier knows it; else the checkpoint's own, which the key vouches for.</param>
    /// <returns>Null when it holds, else the first thing that does not.</returns>
    public string? Verify(ReadOnlySpan<byte> logKey, ReadOnlySpan<byte> span = default, string? origin = null) =>
        Steps(logKey, span, origin).FirstOrDefault(step => step.Fault is not null)?.Fault;

    /// <summary>What <see cref="Verify"/> does, statement by statement and in order; the list ends with the first that does not hold.</summary>
    /// <inheritdoc cref="Verify"/>
    public IReadOnlyList<VerificationStep> Steps(ReadOnlySpan<byte> logKey, ReadOnlySpan<byte> span = default, string? origin = null)
    {
        var steps = new List<VerificationStep>();
        if (!span.IsEmpty && !Hold("the span hashes to the entry's hash", ContentHash.Of(span) == Entry.Hash,
            $"entry.hash: the span hashes to {ContentHash.Of(span)}, the receipt is about {Entry.Hash}"))
        {
            return steps;
        }
        origin ??= Checkpoint.Split('\n', 2)[0];
        var signed = SignedNote.TryVerify(Checkpoint, origin, logKey, out var body, out var signature);
        _ = Hold("the log key signed the checkpoint", signed, "merkle.checkpoint: carries no valid signature of this log key")
            && Hold("the signature is the one on the checkpoint", signature.AsSpan().SequenceEqual(Signature) || IsAnotherOfTheLog(origin), "signature: is not the one on the checkpoint")
            && Hold("tree size and root are the signed ones",
                Merkle.Checkpoint.TryParse(body, out var checkpoint) && checkpoint.Size == TreeSize && checkpoint.Root.AsSpan().SequenceEqual(RootHash),
                "merkle: tree_size or root_hash differ from the signed checkpoint")
            && Hold("the proof leads from the entry to the root",
                MerkleProof.VerifyInclusion(LogIndex, TreeSize, MerkleHash.Leaf(Entry.ToUtf8()), InclusionProof, RootHash),
                "merkle.inclusion_proof: does not lead from the entry to the root");
        return steps;

        // While one log key replaces another a checkpoint carries a line of each, and the receipt names the older one's.
        bool IsAnotherOfTheLog(string name) =>
            SignedNote.TryParse(Checkpoint, out _, out var lines) && lines.Any(line => line.KeyName == name && line.Signature.AsSpan().SequenceEqual(Signature));

        bool Hold(string statement, bool holds, string fault)
        {
            steps.Add(new VerificationStep(statement, holds ? null : fault));
            return holds;
        }
    }
}

/// <summary>One statement that a verifier looked into.</summary>
/// <param name="Statement">What has to be so.</param>
/// <param name="Fault">Why it is not; null when it holds.</param>
public sealed record VerificationStep(string Statement, string? Fault = null);
