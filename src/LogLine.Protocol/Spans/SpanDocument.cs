using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>
/// A span (contract, section 4): who wants what (<c>intent</c>) done to what (<c>subject</c>), with which <c>payload</c>. It is a view of
/// canonical JSON; nothing is copied out of it.
/// </summary>
public sealed class SpanDocument
{
    /// <summary>The version that this code writes.</summary>
    public const string SchemaVersion = "1.1.0";

    /// <summary>What <c>this</c> begins with; a lower-case UUID follows.</summary>
    public const string ThisPrefix = "urn:span:";

    // Asked for by one check after the other: read from the tree once.
    private string? _this;
    private string? _intent;
    private string? _subject;
    private string? _hash;
    private JsonElement _payload;
    private JsonElement _signature;

    private SpanDocument(JsonElement root) => Root = root;

    /// <summary>The whole span.</summary>
    public JsonElement Root { get; }

    /// <summary>Its canonical bytes.</summary>
    public ReadOnlySpan<byte> Utf8 => CanonicalJson.BytesOf(Root);

    /// <summary>Its own name, <c>urn:span:&lt;uuid&gt;</c>; null when the client left it to the gate.</summary>
    public string? This => _this ??= Root.Text("this");

    /// <summary>The intent, for example <c>deploy.apply</c>.</summary>
    public string? Intent => _intent ??= Root.Text("intent");

    /// <summary>The subject, for example <c>urn:minicontainer:vv/web</c>.</summary>
    public string? Subject => _subject ??= Root.Text("subject");

    /// <summary>When the client says that it made the span.</summary>
    public string? Ts => Root.Text("ts");

    /// <summary>What the intent needs; undefined when absent.</summary>
    public JsonElement Payload => _payload.ValueKind is JsonValueKind.Undefined ? _payload = Root.Member("payload") : _payload;

    /// <summary><c>signature</c>; undefined when the span is not signed.</summary>
    public JsonElement Signature => _signature.ValueKind is JsonValueKind.Undefined ? _signature = Root.Member("signature") : _signature;

    /// <summary>True when the span carries a signature, which forbids every repair.</summary>
    public bool IsSigned => Signature.ValueKind != JsonValueKind.Undefined;

    /// <summary>BLAKE3 of the whole span, signature included: <c>blake3:…</c>.</summary>
    public string Hash => _hash ??= ContentHash.Of(Utf8);

    /// <summary>Views an object of a canonical document as a span.</summary>
    public static SpanDocument View(JsonElement root) => new(root);

    /// <summary>Views a canonical document as a span.</summary>
    public static SpanDocument View(CanonicalJson json) => new(json.Root);

    /// <summary>The bytes that the span's signature covers: everything but <c>signature.sig</c>.</summary>
    public byte[] SignedBytes() => CanonicalJson.BytesWithout(Root, Signature, "sig");

    /// <summary>True when <c>signature.sig</c> is the key's over this span.</summary>
    public bool VerifySignature(ReadOnlySpan<byte> publicKey, SignatureKind kind = SignatureKind.Span) => SignedObject.Verify(Root, Signature, kind, publicKey);

    /// <summary>
    /// Signs a span. <paramref name="unsigned"/> has every member but <c>signature</c>; the result has it.
    /// </summary>
    /// <param name="unsigned">The span as a canonical object.</param>
    /// <param name="kid">Id of the key in the tenant's registry.</param>
    /// <param name="key">The key.</param>
    /// <param name="kind"><see cref="SignatureKind.Span"/> for clients, <see cref="SignatureKind.Event"/> for workers.</param>
    public static SpanDocument Sign(CanonicalJson unsigned, string kid, SigningKey key, SignatureKind kind = SignatureKind.Span)
    {
        return Sign(CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var member in unsigned.Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
            WriteSigner(json, kid);
            json.WriteEndObject();
        }), key, kind);
    }

    /// <summary>Signs a span whose <c>signature</c> says already by what (<see cref="WriteSigner"/>), and lacks <c>sig</c> alone.</summary>
    internal static SpanDocument Sign(CanonicalJson bare, SigningKey key, SignatureKind kind) =>
        View(bare.With(bare.Root.Member("signature"), "sig", Convert.ToBase64String(DomainSignature.Sign(key, kind, bare.Utf8.Span))));

    /// <summary>Writes the member <c>signature</c> without <c>sig</c>.</summary>
    internal static void WriteSigner(Utf8JsonWriter json, string kid)
    {
        json.WriteStartObject("signature");
        json.WriteString("alg", DomainSignature.Algorithm);
        json.WriteString("kid", kid);
        json.WriteEndObject();
    }
}
