using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>How a store takes away what is below the log's minimum index (<see cref="LogPruning"/>).</summary>
public interface IPruningStore
{
    /// <summary>Up to which index nothing that may still be asked for stands on an entry.</summary>
    ValueTask<PruningLimit> ReadPruningLimitAsync(DateTimeOffset now);

    /// <summary>The first entry, from <paramref name="from"/> on, that is kept; the size of the log when there is none.</summary>
    ValueTask<long> ReadFirstKeptAsync(long from);

    /// <summary>How many entries from <paramref name="from"/> to before <paramref name="to"/> would go, and how many would stay because state stands on them.</summary>
    ValueTask<(long Going, long Staying)> CountPrunableAsync(long from, long to);

    /// <summary>
    /// Takes entries, spans and answers from <paramref name="from"/> to before <paramref name="to"/> away, and what waits of them for webhooks; what state stands on stays (<see cref="PruningRules"/>).
    /// Name, fingerprint and run stay, so that a name is never taken twice. In a transaction of its own; done again it changes nothing.
    /// </summary>
    /// <returns>How many entries it took away.</returns>
    ValueTask<long> PruneAsync(long from, long to);

    /// <summary>Gives the room of what was taken away back, as far as the engine can beside its readers and writers.</summary>
    ValueTask CompactAsync();
}

/// <summary>Up to where a log can be pruned.</summary>
/// <param name="Index">Entries below it can go.</param>
/// <param name="Why">What stands on the entry at it, for people.</param>
public sealed record PruningLimit(long Index, string Why)
{
    /// <summary>What the size of the log alone says: tiles are pruned as a whole.</summary>
    public static PruningLimit OfSize(long size) => new(size / TileId.FullWidth * TileId.FullWidth, "the last tile of the log is not full");

    /// <summary>This one, or the entry on which something stands, when that comes before.</summary>
    /// <param name="index">The entry; null when there is none.</param>
    /// <param name="why">What stands on it, with <c>{0}</c> for its index.</param>
    public PruningLimit Or(long? index, string why) =>
        index < Index ? new PruningLimit(index.Value / TileId.FullWidth * TileId.FullWidth, string.Format(System.Globalization.CultureInfo.InvariantCulture, why, index)) : this;
}

/// <summary>Which entries stay whole below the minimum index: those by which the gate judges, and by which a verifier derives keys, tokens, grants, manifests, quotas and policies (docs/ledger-format.md, K3).</summary>
internal static class PruningRules
{
    /// <summary>Intents whose spans stay.</summary>
    public static readonly IReadOnlyList<string> KeptIntents =
    [
        "minicontainer.applied", "minicontainer.apply", "quota.set", "session.end", "task.end", "tenant.create", "tenant.policy.set", "token.create", "token.revoke",
        "wallet.grant.create", "wallet.grant.revoke", "wallet.key.register", "wallet.key.revoke", "wallet.key.rotate", "worker.registered",
    ];

    /// <summary>
    /// What holds of a row of <c>entries</c> that goes, in the SQL of both engines: it is there still, its intent is none of those, no run that goes on is about it, and it is not the proof
    /// by which such a run was let through.
    /// </summary>
    public static readonly string Goes =
        $"""
        length(entry) > 0 AND intent NOT IN ('{string.Join("', '", KeptIntents)}')
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = entries.run_id AND r.state < 4)
        AND NOT EXISTS (SELECT 1 FROM proofs p JOIN entries u ON u.idx = p.used_idx JOIN runs r ON r.run_id = u.run_id WHERE p.idx = entries.idx AND r.state < 4)
        """;
}
