using System.Collections.Concurrent;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>
/// Manifests that the ledger holds, each read and parsed once. A ref names exact bytes, so what is known stays true; what is not known is asked for every time.
/// </summary>
public sealed class KnownManifests(ILedgerStore store)
{
    private const int MostBytes = 16 << 20;
    private readonly ConcurrentDictionary<MiniContainerRef, SignedManifest> _known = new();
    private int _bytes;

    /// <summary>The manifest of a ref, or null.</summary>
    public ValueTask<SignedManifest?> FindAsync(MiniContainerRef reference) =>
        _known.TryGetValue(reference, out var manifest) ? new(manifest) : ReadAsync(reference);

    private async ValueTask<SignedManifest?> ReadAsync(MiniContainerRef reference)
    {
        if (await store.FindManifestAsync(reference.Tenant, reference.Name, reference.Hash) is not { } bytes)
        {
            return null;
        }
        if (Interlocked.Add(ref _bytes, bytes.Length) > MostBytes)
        {
            _known.Clear();
            Volatile.Write(ref _bytes, bytes.Length);
        }
        return _known[reference] = SignedManifest.View(CanonicalJson.Parse(bytes).Root);
    }
}
