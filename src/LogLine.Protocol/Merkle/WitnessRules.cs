namespace LogLine.Protocol.Merkle;

/// <summary>What a witness makes of a request; each has its HTTP status in C2SP tlog-witness.</summary>
public enum WitnessVerdict
{
    /// <summary>200: the checkpoint extends the last one; it is to be recorded, then cosigned.</summary>
    Cosign,

    /// <summary>400: the request is malformed, or its old size is above the checkpoint's.</summary>
    Malformed,

    /// <summary>404: the witness does not watch this log.</summary>
    UnknownLog,

    /// <summary>403: no trusted key of the log has signed, or a line of one does not verify.</summary>
    NotSigned,

    /// <summary>409: the witness cosigned another size last; the answer says which.</summary>
    OtherSize,

    /// <summary>422: the checkpoint does not extend the last one: the proof does not verify, or the log has forked.</summary>
    Inconsistent,
}

/// <summary>
/// The rules by which a witness cosigns (C2SP tlog-witness): only what a key that it trusts has signed, and only what extends the last checkpoint that it cosigned
/// for that log. They keep nothing: whoever uses them judges and records in one step, or two requests at once can roll the record back.
/// </summary>
public static class WitnessRules
{
    /// <summary>Judges a request, in the order of the specification.</summary>
    /// <param name="text">The body of the request, from anywhere.</param>
    /// <param name="trustedKeys">The public keys, 32 bytes each, of the log of that origin; null when it is not watched.</param>
    /// <param name="latest">The checkpoint that was cosigned last for that origin, or null.</param>
    /// <param name="request">What is asked, unless malformed.</param>
    /// <param name="checkpoint">The checkpoint in it, unless malformed.</param>
    public static WitnessVerdict Judge(
        string text, Func<string, IReadOnlyList<byte[]>?> trustedKeys, Func<string, Checkpoint?> latest, out AddCheckpoint? request, out Checkpoint? checkpoint)
    {
        if (!AddCheckpoint.TryParse(text, out request, out checkpoint))
        {
            return WitnessVerdict.Malformed;
        }
        if (trustedKeys(checkpoint.Origin) is not { } keys)
        {
            return WitnessVerdict.UnknownLog;
        }
        if (!SignedNote.TryVerifyAny(request.Note, checkpoint.Origin, keys, out _))
        {
            return WitnessVerdict.NotSigned;
        }
        if (request.OldSize > checkpoint.Size)
        {
            return WitnessVerdict.Malformed;
        }
        var last = latest(checkpoint.Origin);
        if (request.OldSize != (last?.Size ?? 0))
        {
            return WitnessVerdict.OtherSize;
        }
        return Extends(request, checkpoint, last) ? WitnessVerdict.Cosign : WitnessVerdict.Inconsistent;
    }

    private static bool Extends(AddCheckpoint request, Checkpoint checkpoint, Checkpoint? last)
    {
        if (checkpoint.Size == 0 && !checkpoint.Root.AsSpan().SequenceEqual(MerkleHash.EmptyRoot))
        {
            return false;
        }
        // The empty tree is the beginning of every tree: there is nothing to prove.
        return request.OldSize == 0
            ? request.Proof.Count == 0
            : MerkleProof.VerifyConsistency(request.OldSize, checkpoint.Size, request.Proof, last!.Root, checkpoint.Root);
    }
}
