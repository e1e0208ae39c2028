using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Secrets;

/// <summary>Reads from the ledger what a worker judges grants by. The gateway's half: it knows keys and revocations, and no secret.</summary>
public static class GrantLedger
{
    /// <summary>
    /// What the ledger says of the keys and grants of a manifest. A key that was rotated away or revoked since counts for what the ledger held before that:
    /// by index, not by anybody's clock (contract, section 6).
    /// </summary>
    /// <param name="store">The ledger's store.</param>
    /// <param name="reference">The manifest.</param>
    /// <param name="manifest">Its content.</param>
    public static async ValueTask<GrantEvidence> EvidenceAsync(ILedgerStore store, MiniContainerRef reference, SignedManifest manifest)
    {
        var takenIn = await store.FindManifestIndexAsync(reference.Tenant, reference.Name, reference.Hash) ?? 0;
        var keys = await store.KeysAsync(reference.Tenant);
        var successors = await SuccessorsAsync(store, keys);
        return new GrantEvidence(
            keys.Where(key => key.Usage.Contains("sign") && (key.Status == KeyStatus.Active || key.UntilIndex > takenIn))
                .ToDictionary(key => key.Kid, key => new GrantKey(key.PublicKey, [key.Kid, .. keys.Select(earlier => earlier.Kid).Where(earlier => Leads(successors, earlier, key.Kid))])),
            await RevokedAsync(store, reference.Tenant, manifest));
    }

    /// <summary>Ids of the manifest's grants that were revoked.</summary>
    public static async ValueTask<IReadOnlySet<string>> RevokedAsync(ILedgerStore store, string tenant, SignedManifest manifest)
    {
        var revoked = new HashSet<string>();
        foreach (var id in GrantOpener.Named(manifest))
        {
            if (await store.FindGrantAsync(tenant, id) is { IsRevoked: true })
            {
                revoked.Add(id);
            }
        }
        return revoked;
    }

    /// <summary>Which key took the place of which: the rotation is the span that ended the old one. One that was revoked afterwards was rotated all the same.</summary>
    private static async ValueTask<Dictionary<string, string>> SuccessorsAsync(ILedgerStore store, List<KeyRow> keys)
    {
        var successors = new Dictionary<string, string>();
        foreach (var key in keys.Where(key => key.UntilIndex is not null))
        {
            if (await store.FindEntryAsync(key.UntilIndex!.Value) is { Span.Length: > 0 } ending && CanonicalJson.Parse(ending.Span).Root.Member("payload") is var payload
                && payload.Text("old_kid") == key.Kid && payload.Text("new_kid") is { } successor)
            {
                successors[key.Kid] = successor;
            }
        }
        return successors;
    }

    // Rotations go forward in the log, so this comes to an end.
    private static bool Leads(Dictionary<string, string> successors, string from, string to)
    {
        while (successors.TryGetValue(from, out var next))
        {
            if (next == to)
            {
                return true;
            }
            from = next;
        }
        return false;
    }
}
