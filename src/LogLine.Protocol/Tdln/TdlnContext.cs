using System.Text.Json;

namespace LogLine.Protocol.Tdln;

/// <summary>What a paragraph is compiled with. Nothing else decides the result: no clock, no state, no model.</summary>
/// <param name="Tenant">Tenant of the sender; fills <c>{tenant}</c> in subjects.</param>
public sealed record TdlnContext(string Tenant)
{
    /// <summary>The intent that the sender has in mind: decides between phrases that match, and reads a text that has fields only. Null for none.</summary>
    public string? IntentHint { get; init; }

    /// <summary>
    /// A partial span that the text completes, or a document (a manifest, a proof) that the text says what to do with. It is part of a
    /// <see cref="Json.CanonicalJson"/>; undefined or null for none. What it says is never changed.
    /// </summary>
    public JsonElement Span { get; init; }

    /// <summary>Where texts of <see cref="Span"/> stand that were not sent in NFC, as JSON Pointers into it (<see cref="Json.CanonicalJson.Altered"/>).</summary>
    public IReadOnlyList<string> Altered { get; init; } = [];

    /// <summary>The paragraph as it was sent, where that was not in NFC: from it follows which values of the span were altered (<see cref="TdlnResult.Compiled.Altered"/>). Null otherwise.</summary>
    public string? Given { get; init; }

    /// <summary>ISO 3166 alpha-2 of the country in which national telephone numbers are meant where the text names none. Null: they are refused.</summary>
    public string? Country { get; init; }

    /// <summary>The subject of a run, by its id, or null when it is not known. A run never changes its subject, so this takes nothing from determinism.</summary>
    public Func<string, string?> SubjectOfRun { get; init; } = static _ => null;
}
