using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Reading;

/// <summary>An entry of the log as readers get it.</summary>
/// <param name="Stored">As it is stored.</param>
/// <param name="Intent">The span's intent; empty when the content was erased.</param>
/// <param name="Subject">The span's subject; empty when the content was erased.</param>
internal sealed record LogItem(StoredSpan Stored, string Intent, string Subject)
{
    /// <summary>Its place in the log, from 0.</summary>
    public long Index => Stored.Index;

    /// <summary>The cursor behind it: what <c>id</c>, <c>after</c> and <c>Last-Event-ID</c> say.</summary>
    public long Seq => Stored.Index + 1;

    /// <summary>When it was committed (<see cref="CommittedBatch.At"/>); 0 when it was read from the store later.</summary>
    public long CommittedAt { get; init; }

    /// <summary>The run that it is about, or null.</summary>
    public string? RunId => Stored.RunId;

    /// <summary>The span's canonical bytes; empty when the content was erased.</summary>
    public ReadOnlySpan<byte> Span => Stored.Span;

    /// <summary>True when only the entry is left: a reader is told that something was there.</summary>
    public bool IsErased => Span.IsEmpty;

    /// <summary>Reads what is needed of a stored span, without a tree.</summary>
    public static LogItem Of(StoredSpan stored) => Live(stored, 0);

    /// <summary>The same of one that was committed just now.</summary>
    public static LogItem Live(StoredSpan stored, long committedAt)
    {
        string? intent = null, subject = null;
        if (stored.Span.Length > 0)
        {
            ForMembers(stored.Span, (name, value) => _ = name switch { "intent" => intent = value, "subject" => subject = value, _ => null });
        }
        return new LogItem(stored, intent ?? "", subject ?? "") { CommittedAt = committedAt };
    }

    /// <summary>The tenant of an entry of the log.</summary>
    public static string TenantOf(StoredSpan stored)
    {
        var tenant = "";
        ForMembers(stored.Entry, (name, value) => tenant = name == "tenant" ? value : tenant);
        return tenant;
    }

    /// <summary>When the gateway took it.</summary>
    public DateTimeOffset ReceivedAt => Timestamps.TryParse(CanonicalJson.Parse(Stored.Entry).Root.Text("received_at"), out var at) ? at : default;

    // Canonical JSON: the members' names need no unescaping.
    private static void ForMembers(ReadOnlySpan<byte> json, Action<string, string> found)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueTextEquals("intent"u8) ? "intent" : reader.ValueTextEquals("subject"u8) ? "subject" : reader.ValueTextEquals("tenant"u8) ? "tenant" : null;
            reader.Read();
            if (name is not null && reader.TokenType == JsonTokenType.String)
            {
                found(name, reader.GetString()!);
            }
            reader.Skip();
        }
    }
}
