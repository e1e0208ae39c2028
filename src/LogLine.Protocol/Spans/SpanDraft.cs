using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>A span in the making: what the sender knows, with the rest filled in by <see cref="Build()"/>.</summary>
public sealed record SpanDraft
{
    /// <summary>The intent.</summary>
    public required string Intent { get; init; }

    /// <summary>The subject.</summary>
    public required string Subject { get; init; }

    /// <summary>contract, function, decision, agent, law, file or test.</summary>
    public required string EntityType { get; init; }

    /// <summary>Who says that they act; a claim.</summary>
    public required string Actor { get; init; }

    /// <summary>When it is made.</summary>
    public required DateTimeOffset Ts { get; init; }

    /// <summary>Writes the members of the payload, <c>kind</c> included.</summary>
    public required Action<Utf8JsonWriter> Payload { get; init; }

    /// <summary>Its name; a new one when left out.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>The span before this one, or null.</summary>
    public string? Prev { get; init; }

    /// <summary>The span, unsigned.</summary>
    public CanonicalJson Build() => Build(signer: null);

    private CanonicalJson Build(string? signer) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("schema_version", SpanDocument.SchemaVersion);
        json.WriteString("entity_type", EntityType);
        json.WriteString("this", SpanDocument.ThisPrefix + Id.ToString("D"));
        if (Prev is not null)
        {
            json.WriteString("prev", Prev);
        }
        json.WriteStartObject("did");
        json.WriteString("actor", Actor);
        json.WriteString("action", "append");
        json.WriteEndObject();
        json.WriteString("intent", Intent);
        json.WriteString("subject", Subject);
        json.WriteStartObject("payload");
        Payload(json);
        json.WriteEndObject();
        json.WriteString("ts", Timestamps.Write(Ts));
        if (signer is not null)
        {
            SpanDocument.WriteSigner(json, signer);
        }
        json.WriteEndObject();
    });

    /// <summary>The span, signed.</summary>
    public SpanDocument Sign(string kid, SigningKey key, SignatureKind kind = SignatureKind.Span) => SpanDocument.Sign(Build(kid), key, kind);
}
