using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Ledger;

/// <summary>Who the gateway is: the public halves of its keys, and the door through which it signs its own spans.</summary>
public sealed class ServerIdentity(ServerKeys keys, string origin)
{
    /// <summary>Origin of the log.</summary>
    public string Origin => origin;

    /// <summary>Id of the log key.</summary>
    public string LogKid => keys.LogKid;

    /// <summary>Public log key, hex.</summary>
    public string LogPublicKey => keys.Log.PublicKeyHex;

    /// <summary>Id of the span key.</summary>
    public string SpanKid => keys.SpanKid;

    /// <summary>The id that a span key has.</summary>
    public static string SpanKidOf(ReadOnlySpan<byte> publicKey) => "srv_" + Convert.ToHexStringLower(publicKey)[..16];

    /// <summary>Public span key, hex.</summary>
    public string SpanPublicKey => keys.Span.PublicKeyHex;

    /// <summary>Id of the webhook key.</summary>
    public string WebhookKid => keys.WebhookKid;

    /// <summary>Signs deliveries to webhooks.</summary>
    public SigningKey WebhookKey => keys.Webhook;

    /// <summary>Every key that there was, and for which part of the log; oldest first.</summary>
    public IReadOnlyList<ServerKeyRecord> Keys => keys.Records;

    /// <summary>Signs a span of the gateway's own, ready to be appended.</summary>
    /// <param name="tenant">Whose ledger it belongs to.</param>
    /// <param name="env">Environment of what it is about.</param>
    /// <param name="intent">An emitted intent, for example <c>run_state.running</c>.</param>
    /// <param name="entityType">Its entity type.</param>
    /// <param name="subject">Its subject.</param>
    /// <param name="now">When.</param>
    /// <param name="payload">Writes the payload, without <c>kind</c>.</param>
    public ServerSpan Sign(string tenant, string env, string intent, string entityType, string subject, DateTimeOffset now, Action<Utf8JsonWriter> payload)
    {
        var (kid, key) = keys.SpanSigner;
        var span = new SpanDraft
        {
            Intent = intent,
            Subject = subject,
            EntityType = entityType,
            Actor = "gateway",
            Ts = now,
            Payload = json =>
            {
                json.WriteString("kind", KindOf(intent));
                payload(json);
            },
        }.Sign(kid, key);
        return new ServerSpan(new LedgerEntry(env, span.Hash, kid, "gateway", Timestamps.Write(now), tenant, span.This!), span);
    }

    /// <summary>The same span under the span key of now, when its own was replaced before it reached the log; else the span itself.</summary>
    internal ServerSpan Renew(ServerSpan old)
    {
        if (!keys.IsReplaced(old.Entry.Kid))
        {
            return old;
        }
        var (kid, key) = keys.SpanSigner;
        var span = SpanDocument.Sign(CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var member in old.Span.Root.EnumerateObject().Where(member => !member.NameEquals("signature")))
            {
                member.WriteTo(json);
            }
            json.WriteEndObject();
        }), kid, key);
        return old with { Span = span, Entry = old.Entry with { Kid = kid, Hash = span.Hash } };
    }

    /// <summary>Signs what a worker may do.</summary>
    /// <param name="permit">The object under the kid that it is given: with its <c>kid</c> and <c>alg</c>, and lacking <c>sig</c> alone.</param>
    public CanonicalJson SignPermit(Func<string, CanonicalJson> permit)
    {
        var (kid, key) = keys.SpanSigner;
        return SignedObject.Sign(permit(kid), SignatureKind.Permit, key);
    }

    /// <summary><c>wallet.proof.verified</c> → <c>wallet/proof_verified.v1</c>; <c>run_state.running</c> → <c>run_state/running.v1</c>.</summary>
    public static string KindOf(string intent)
    {
        var dot = intent.IndexOf('.');
        return $"{intent[..dot]}/{intent[(dot + 1)..].Replace('.', '_')}.v1";
    }
}
