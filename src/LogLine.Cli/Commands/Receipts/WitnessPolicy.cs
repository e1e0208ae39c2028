using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Receipts;

/// <summary>Whose cosignatures a receipt's checkpoint must carry, and how many of them.</summary>
internal sealed record WitnessPolicy(IReadOnlyList<(string Name, byte[] Key)> Witnesses, int Quorum)
{
    /// <summary>From the command line; a quorum that is not named is all of them.</summary>
    public static Attempt<WitnessPolicy> Read(string[] vkeys, int? quorum)
    {
        var witnesses = new List<(string, byte[])>();
        foreach (var vkey in vkeys.Distinct(StringComparer.Ordinal))
        {
            if (!Cosignature.TryParseVerifierKey(vkey, out var name, out var key))
            {
                return CommandFailure.Usage($"'{vkey}' is no key of a witness: name+id+key of type 4, as 'logline ledger witness' shows it.");
            }
            witnesses.Add((name, key));
        }
        var needed = quorum ?? witnesses.Count;
        return needed < (witnesses.Count == 0 ? 0 : 1) || needed > witnesses.Count
            ? CommandFailure.Usage($"--quorum {needed} of {witnesses.Count} witnesses makes no sense.")
            : new WitnessPolicy(witnesses, needed);
    }

    /// <summary>Has a quorum cosigned this checkpoint?</summary>
    public VerificationStep Judge(string checkpoint)
    {
        var missing = Witnesses.Where(witness => !Cosignature.TryVerify(checkpoint, witness.Name, witness.Key, out _)).Select(witness => witness.Name).ToList();
        var count = Witnesses.Count - missing.Count;
        return new VerificationStep($"{Quorum} of {Witnesses.Count} witnesses cosigned the checkpoint",
            count >= Quorum ? null : $"merkle.checkpoint: is cosigned by {count}; missing: {string.Join(", ", missing)}. 'logline receipts get --witnessed' fetches a receipt that carries cosignatures");
    }
}
