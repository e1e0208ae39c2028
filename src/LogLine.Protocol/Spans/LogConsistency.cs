using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Spans;

/// <summary>
/// Proof that the log only grew between two sizes, as <c>GET /v1/ledger/consistency</c> answers it:
/// <c>{"origin","from","to","hashes":["sha256:…"],"checkpoints":{"from":note|null,"to":note|null}}</c>. It convinces only together with two roots that the
/// log signed: those of two receipts, or of its own two checkpoints.
/// </summary>
public sealed record LogConsistency
{
    /// <summary>The log's origin.</summary>
    public required string Origin { get; init; }

    /// <summary>The older size, at least 1.</summary>
    public required long From { get; init; }

    /// <summary>The newer size, at least the older one.</summary>
    public required long To { get; init; }

    /// <summary>RFC 9162, section 2.1.4; none for equal sizes.</summary>
    public required IReadOnlyList<byte[]> Hashes { get; init; }

    /// <summary>The checkpoint that was signed at the older size, a C2SP signed note; null when no batch ended there.</summary>
    public string? OlderCheckpoint { get; init; }

    /// <summary>As above, at the newer size.</summary>
    public string? NewerCheckpoint { get; init; }

    /// <summary>Writes the proof as the gateway answers it.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("origin", Origin);
        json.WriteNumber("from", From);
        json.WriteNumber("to", To);
        TreeHashText.Write(json, "hashes", Hashes);
        json.WriteStartObject("checkpoints");
        json.WriteString("from", OlderCheckpoint);
        json.WriteString("to", NewerCheckpoint);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads a proof from outside and verifies nothing.</summary>
    /// <returns>Null and the proof, or what is wrong with it.</returns>
    public static string? TryRead(JsonElement json, out LogConsistency proof)
    {
        proof = null!;
        if (json.Text("origin") is not { Length: > 0 } origin)
        {
            return "origin: is missing";
        }
        if (json.Integer("from") is not (>= 1 and var from) || json.Integer("to") is not { } to || to < from)
        {
            return "from and to must be integers, 1 ≤ from ≤ to";
        }
        if (json.Member("hashes").ValueKind != JsonValueKind.Array)
        {
            return "hashes: is missing";
        }
        if (TreeHashText.TryRead(json.Items("hashes"), "hashes", out var hashes) is { } fault)
        {
            return fault;
        }
        var checkpoints = json.Member("checkpoints");
        proof = new LogConsistency { Origin = origin, From = from, To = to, Hashes = hashes, OlderCheckpoint = checkpoints.Text("from"), NewerCheckpoint = checkpoints.Text("to") };
        return null;
    }

    /// <summary>Does it lead from one receipt's tree to another's? Both receipts have to be verified by themselves.</summary>
    /// <param name="older">The receipt with the smaller tree.</param>
    /// <param name="newer">The receipt with the larger tree.</param>
    public VerificationStep Between(Receipt older, Receipt newer)
    {
        var statement = $"the log of {older.TreeSize} entries is the beginning of that of {newer.TreeSize}";
        var origins = (Older: older.Checkpoint.Split('\n', 2)[0], Newer: newer.Checkpoint.Split('\n', 2)[0]);
        return new VerificationStep(statement,
            origins.Older != Origin || origins.Newer != Origin ? $"origin: the proof is of {Origin}, the receipts are of {origins.Older} and {origins.Newer}"
            : (From, To) != (older.TreeSize, newer.TreeSize) ? $"from, to: the proof leads from {From} to {To}"
            : !MerkleProof.VerifyConsistency(From, To, Hashes, older.RootHash, newer.RootHash) ? "hashes: do not lead from the one root to the other: the log was rewritten, or the proof is damaged"
            : null);
    }

    /// <summary>Verifies the proof by the two checkpoints that it carries.</summary>
    /// <param name="logKeys">Public log keys, 32 bytes each, obtained in another way than from the proof; one of them has to have signed each checkpoint.</param>
    public IReadOnlyList<VerificationStep> Steps(IReadOnlyList<byte[]> logKeys)
    {
        var steps = new List<VerificationStep>();
        if (Signed("from", OlderCheckpoint, From) is { } older && Signed("to", NewerCheckpoint, To) is { } newer)
        {
            steps.Add(new VerificationStep($"the log of {From} entries is the beginning of that of {To}",
                MerkleProof.VerifyConsistency(From, To, Hashes, older.Root, newer.Root) ? null : "hashes: do not lead from the one root to the other"));
        }
        return steps;

        Checkpoint? Signed(string name, string? note, long size)
        {
            var statement = $"the log key signed the checkpoint of {size} entries";
            if (note is null)
            {
                steps.Add(new VerificationStep(statement, $"checkpoints.{name}: no batch ended at {size}; take the tree size of a receipt"));
                return null;
            }
            foreach (var key in logKeys)
            {
                if (SignedNote.TryVerify(note, Origin, key, out var body, out _) && Checkpoint.TryParse(body, out var checkpoint) && checkpoint.Origin == Origin && checkpoint.Size == size)
                {
                    steps.Add(new VerificationStep(statement));
                    return checkpoint;
                }
            }
            steps.Add(new VerificationStep(statement, $"checkpoints.{name}: is no checkpoint of {Origin} and {size} entries with a valid signature of this log key"));
            return null;
        }
    }
}
