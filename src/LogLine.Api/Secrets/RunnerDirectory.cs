using LogLine.Api.Ledger;
using LogLine.Api.Tenants;

namespace LogLine.Api.Secrets;

/// <summary>A key of a worker, as everybody sees it.</summary>
/// <param name="Kid">Its id.</param>
/// <param name="Use"><c>runner</c>: secrets are sealed to it. <c>worker</c>: it signs what the worker reports.</param>
/// <param name="Algorithm"><c>x25519</c> or <c>ed25519</c>.</param>
/// <param name="PublicKey">32 bytes.</param>
/// <param name="IsActive">False once it was revoked; what it signed before stays signed.</param>
public sealed record WorkerKey(string Kid, string Use, string Algorithm, byte[] PublicKey, bool IsActive);

/// <summary>The public keys of workers: of this process's own, and of those that the operator's tokens have registered.</summary>
public sealed class RunnerDirectory(SpanLedger ledger, RunnerKeys? own)
{
    /// <summary>All that there are. A worker of another tenant than the first is that tenant's matter: <c>GET /v1/wallet/keys</c> shows its keys.</summary>
    public async ValueTask<IReadOnlyList<WorkerKey>> AllAsync()
    {
        var keys = new List<WorkerKey>();
        if (own is not null)
        {
            keys.Add(new WorkerKey(own.Kid, "runner", "x25519", own.Public.PublicKey, IsActive: true));
        }
        foreach (var key in await ledger.Store.KeysAsync(Bootstrap.Tenant))
        {
            if (key.Usage is ["runner"] && key.Kid != own?.Kid)
            {
                keys.Add(new WorkerKey(key.Kid, "runner", "x25519", key.PublicKey, key.Status == KeyStatus.Active));
            }
            else if (key.Usage is ["event"])
            {
                keys.Add(new WorkerKey(key.Kid, "worker", "ed25519", key.PublicKey, key.Status == KeyStatus.Active));
            }
        }
        return keys;
    }
}
