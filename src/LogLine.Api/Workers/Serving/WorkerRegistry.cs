using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Serving;

/// <summary>Who asks: a token with the scope <c>runner</c>, and one process of a worker that was registered with such a token.</summary>
/// <param name="Principal">The token.</param>
/// <param name="Key">The worker's event key.</param>
/// <param name="Id">Name of the process in leases: <c>&lt;kid&gt;/&lt;instance&gt;</c>.</param>
internal sealed record WorkerCaller(TenantPrincipal Principal, KeyRow Key, string Id)
{
    /// <summary>True when the worker serves the tenant: the operator's, of the first tenant, serve all of them.</summary>
    public bool Serves(string tenant) => Principal.Tenant == Bootstrap.Tenant || Principal.Tenant == tenant;

    /// <summary>The tenant that it serves, or null for all.</summary>
    public string? OnlyTenant => Principal.Tenant == Bootstrap.Tenant ? null : Principal.Tenant;
}

/// <summary>
/// The keys of workers: kept beside the tenant's other keys, with usages of their own (<c>event</c>, <c>runner</c>), so that they are listed and revoked like those. A worker registers
/// itself: who holds a runner token may, and each registration is a span.
/// </summary>
internal sealed class WorkerRegistry(SpanLedger ledger, TenantDirectory tenants, TimeProvider time)
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(120);

    /// <summary>What is wrong with an announcement, or null: the worker is registered then.</summary>
    public async Task<Rejection?> RegisterAsync(TenantPrincipal principal, CanonicalJson announcement, CancellationToken cancel)
    {
        var said = announcement.Root;
        if (Problem(said, time.GetUtcNow()) is var (path, message))
        {
            return Rejection.Inconsistent(path, message);
        }
        DomainSignature.TryDecodePublicKey(said.Text("event_key"), out var eventKey);
        DomainSignature.TryDecodePublicKey(said.Text("runner_key"), out var runnerKey);
        if (!SignedObject.Verify(said, said, SignatureKind.Event, eventKey))
        {
            return Rejection.Signature("worker", "sig is not the event key's signature over the announcement (kind 'event')", "/sig");
        }
        var keys = new[]
        {
            new KeyRow(principal.Tenant, said.Text("kid")!, eventKey, ["event"], KeyStatus.Active),
            new KeyRow(principal.Tenant, said.Text("runner_kid")!, runnerKey, ["runner"], KeyStatus.Active),
        };
        var missing = new List<LedgerEffect>();
        foreach (var key in keys)
        {
            var known = await ledger.Store.FindKeyAsync(principal.Tenant, key.Kid);
            if (known is not null && (known.Status != KeyStatus.Active || !known.PublicKey.AsSpan().SequenceEqual(key.PublicKey) || !known.Usage.SequenceEqual(key.Usage)))
            {
                return new Rejection(RefusalCode.Forbidden, $"The key '{key.Kid}' was revoked, or is another one. Remove the key file in the worker's data folder to begin with a new one.")
                {
                    Details = new Dictionary<string, object?> { ["kid"] = key.Kid, ["reason"] = "worker_key" },
                };
            }
            if (known is null)
            {
                missing.Add(new LedgerEffect.KeyRegistered(key));
            }
        }
        if (missing.Count > 0)
        {
            await RecordAsync(principal, said, missing, cancel);
        }
        return null;
    }

    /// <summary>The caller of a header, or null when the tenant has no such worker (any more).</summary>
    public async ValueTask<WorkerCaller?> FindAsync(TenantPrincipal principal, string? header) =>
        header is { Length: <= 128 } && header.IndexOf('/') is > 0 and var slash && await tenants.FindKeyAsync(principal.Tenant, header[..slash]) is { Status: KeyStatus.Active } key && key.Usage.Contains("event")
            ? new WorkerCaller(principal, key, header)
            : null;

    private static (string Path, string Message)? Problem(System.Text.Json.JsonElement said, DateTimeOffset now)
    {
        if (said.Text("type") != WorkerWire.Announcement)
        {
            return ("/type", $"must be {WorkerWire.Announcement}");
        }
        if (said.Text("name") is not { } name || !Identifiers.IsName(name))
        {
            return ("/name", "must be the worker's name: 1 to 63 of a-z, 0-9, _ and -");
        }
        foreach (var (kid, key, prefix) in new[] { ("kid", "event_key", "worker_"), ("runner_kid", "runner_key", "runner_") })
        {
            if (said.Text(key) is not { Length: 64 } hex || !DomainSignature.TryDecodePublicKey(hex, out _))
            {
                return ("/" + key, "must be a public key, 64 hex characters");
            }
            if (said.Text(kid) != prefix + hex[..16])
            {
                return ("/" + kid, $"must be {prefix} and the first 16 characters of {key}");
            }
        }
        return Timestamps.TryParse(said.Text("ts"), out var ts) && (ts - now).Duration() <= Skew ? null : ("/ts", $"must be the time now, within {Skew.TotalSeconds} s of {Timestamps.Write(now)}");
    }

    private Task RecordAsync(TenantPrincipal principal, System.Text.Json.JsonElement said, List<LedgerEffect> effects, CancellationToken cancel)
    {
        var span = ledger.Identity.Sign(principal.Tenant, principal.Env, "worker.registered", "decision", $"urn:worker:{principal.Tenant}/{said.Text("name")}", time.GetUtcNow(), json =>
        {
            foreach (var member in new[] { "name", "kid", "event_key", "runner_kid", "runner_key" })
            {
                json.WriteString(member, said.Text(member));
            }
            json.WriteString("token_id", principal.TokenId);
        });
        return ledger.AppendOwnAsync([span with { Effects = effects }], cancel);
    }
}
