using System.Security.Cryptography;
using System.Text;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>
/// The shared secrets of webhooks. None is kept: each is derived (HKDF-SHA256, RFC 5869) from the gateway's webhook key, the webhook's id and its generation. So the database
/// alone reveals none, and there is nothing to lose beside the key (docs/decisions/014-webhook-secrets.md).
/// </summary>
internal sealed class WebhookSecrets : IDisposable
{
    private const int SecretSize = 32;
    private readonly SecretBytes _master;

    /// <summary>Secrets under a webhook key.</summary>
    public WebhookSecrets(SigningKey key)
    {
        using var seed = key.ExportSeed();
        _master = Derive(seed, "logline:webhook-secrets:v1");
    }

    /// <summary>The secret of a webhook's generation. The caller disposes it.</summary>
    public SecretBytes Of(string webhookId, int generation) => Derive(_master, $"logline:webhook-secret:v1:{webhookId}:{generation}");

    /// <summary>The secrets that sign now, the newest first. The caller disposes them.</summary>
    public IReadOnlyList<SecretBytes> InForce(WebhookRow webhook, DateTimeOffset now) =>
        webhook.OverlapUntil > now && webhook.Generation > 1
            ? [Of(webhook.WebhookId, webhook.Generation), Of(webhook.WebhookId, webhook.Generation - 1)]
            : [Of(webhook.WebhookId, webhook.Generation)];

    /// <inheritdoc/>
    public void Dispose() => _master.Dispose();

    private static SecretBytes Derive(SecretBytes from, string label)
    {
        Span<byte> derived = stackalloc byte[SecretSize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, from.Reveal(), derived, [], Encoding.ASCII.GetBytes(label));
        var secret = SecretBytes.Copy(derived);
        CryptographicOperations.ZeroMemory(derived);
        return secret;
    }
}
