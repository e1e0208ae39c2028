namespace LogLine.Api.Secrets;

/// <summary>
/// What the ledger says of the keys and grants of one manifest, at one moment. A worker judges by it and by the manifest alone, so that it needs no database.
/// </summary>
/// <param name="Keys">The keys that may have signed its grants, by kid: those that the ledger trusted when it took the manifest in.</param>
/// <param name="Revoked">Ids of grants that were revoked.</param>
public sealed record GrantEvidence(IReadOnlyDictionary<string, GrantKey> Keys, IReadOnlySet<string> Revoked);

/// <summary>A key that signs grants.</summary>
/// <param name="PublicKey">32 bytes.</param>
/// <param name="Owners">Its own kid, and those that it was rotated from: artifacts of any of them are its to grant.</param>
public sealed record GrantKey(byte[] PublicKey, IReadOnlyList<string> Owners);
