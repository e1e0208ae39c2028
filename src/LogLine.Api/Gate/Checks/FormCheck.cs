using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Protocol.Json;
using LogLine.Protocol.Schema;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>
/// Row 11, the decision of TDLN: perfect spans pass, unsigned ones with gaps that only we can fill are repaired, missing fields are asked
/// for, wrong ones are shown; all of them at once.
/// </summary>
internal static class FormCheck
{
    private const int MaxItems = 100;
    private const string PayloadKind = "payload.kind";

    /// <summary>What the gate fills in when a client leaves it out, and what it is for when a signed span lacks it.</summary>
    private static readonly (string Field, string Why)[] Fillable =
    [
        ("schema_version", "version of the span format, \"1.1.0\""),
        ("entity_type", "what kind of thing the span is about; the catalogue says it for each intent"),
        ("this", "name of the span, urn:span:<lower-case uuid>"),
        ("did", "who acts: {\"actor\": …, \"action\": \"append\"}"),
        ("ts", "when the span was made, RFC 3339"),
    ];

    public static Rejection? ArrayLength(int count) => count is >= 1 and <= MaxItems ? null : Invalid(
        [new FieldError("", count == 0 ? "minItems" : "maxItems", $"an array has 1 to {MaxItems} spans, this one has {count}")]);

    public static Rejection? Judge(Judgement item, Catalogue catalogue)
    {
        var root = item.Submitted;
        if (item.Submission.Compiled?.Failure is { } meaningless)
        {
            return meaningless;
        }
        if (root.ValueKind != JsonValueKind.Object)
        {
            return Invalid([new FieldError("", "type", $"a span is a JSON object, this is {Kind(root.ValueKind)}")]);
        }
        var gaps = Gaps(item.Span);
        var found = AgainstSchemas(item, gaps, catalogue);
        var against = AgainstDefinition(item, catalogue);
        if (found.Count > 0 || against.Count > 0)
        {
            return Refuse(root, found, against);
        }
        item.Repaired = gaps;
        if (gaps.Count > 0)
        {
            Repair(item, gaps);
        }
        return null;
    }

    private static Rejection Refuse(JsonElement root, IReadOnlyList<SchemaError> found, IReadOnlyList<FieldError> against)
    {
        var missing = found.Where(error => error.MissingProperty is not null).Select(error => new MissingField(Dotted(error.Path), error.Message)).ToList();
        var errors = found.Where(error => error.MissingProperty is null).Select(error => new FieldError(error.Path, error.Keyword, error.Message)).Concat(against).ToList();
        return missing.Count == 0 ? Invalid(errors) : new Rejection(RefusalCode.TdlnInvalid, "Something is missing.")
        {
            Missing = missing,
            Errors = errors,
            PartialSpan = CanonicalJson.BytesOf(root).ToArray(),
        };
    }

    /// <summary>The members that the span leaves to the gate, in the order in which they are listed.</summary>
    private static IReadOnlyList<string> Gaps(SpanDocument span)
    {
        List<string>? gaps = null;
        foreach (var (field, _) in Fillable)
        {
            if (span.Root.Member(field).ValueKind == JsonValueKind.Undefined)
            {
                (gaps ??= []).Add(field);
            }
        }
        if (span.Payload.Member("kind").ValueKind == JsonValueKind.Undefined)
        {
            (gaps ??= []).Add(PayloadKind);
        }
        return gaps ?? (IReadOnlyList<string>)[];
    }

    private static IReadOnlyList<SchemaError> AgainstSchemas(Judgement item, IReadOnlyList<string> gaps, Catalogue catalogue)
    {
        var envelope = catalogue.Span.Validate(item.Submitted);
        var payload = item.Definition is { } definition ? OfPayload(item.Payload, definition) : [];
        var unfilled = item.Span.IsSigned && gaps.Count > 0 ? Unfilled(gaps, item.Definition) : [];
        return envelope.Count + payload.Count + unfilled.Count == 0 ? [] : [.. envelope, .. payload, .. unfilled];
    }

    private static IReadOnlyList<SchemaError> OfPayload(JsonElement payload, IntentDefinition definition) => payload.ValueKind switch
    {
        JsonValueKind.Object => definition.Payload.Validate(payload, "/payload"),
        // Nothing there: ask for what it would need, not just for "payload".
        JsonValueKind.Undefined => definition.Payload.Validate(EmptyObject, "/payload"),
        _ => [],
    };

    /// <summary>The gaps in a signed span: they are asked for, since no byte of the span may change.</summary>
    private static IReadOnlyList<SchemaError> Unfilled(IReadOnlyList<string> gaps, IntentDefinition? definition) => [.. gaps.Select(gap => Unfilled(gap, definition)).OfType<SchemaError>()];

    private static SchemaError? Unfilled(string gap, IntentDefinition? definition)
    {
        if (gap != PayloadKind)
        {
            return new SchemaError("/" + gap, "required", $"{Fillable.First(field => field.Field == gap).Why}; a signed span is not repaired") { MissingProperty = gap };
        }
        return definition is null ? null : new SchemaError("/payload/kind", "required", $"kind of the payload, \"{definition.Kind}\"; a signed span is not repaired") { MissingProperty = "kind" };
    }

    private static IReadOnlyList<FieldError> AgainstDefinition(Judgement item, Catalogue catalogue)
    {
        if (item.Span.Intent is not { } intent)
        {
            return [];
        }
        if (item.Definition is not { } definition)
        {
            return [new FieldError("/intent", "catalogue", $"'{Cut(intent, 64)}' is not in the catalogue (GET /v1/catalog); there are for example {string.Join(", ", catalogue.Near(intent))}")];
        }
        var (type, subject) = (OtherType(item, definition), OtherSubject(item, definition));
        return type is null && subject is null ? [] : [.. new[] { type, subject }.OfType<FieldError>()];
    }

    private static FieldError? OtherType(Judgement item, IntentDefinition definition)
    {
        var type = item.Submitted.Member("entity_type");
        return type.ValueKind != JsonValueKind.String || type.ValueEquals(definition.EntityType) ? null : new FieldError(
            "/entity_type", "const", $"is '{type.GetString()}'; for {definition.Name} it must be '{definition.EntityType}'");
    }

    private static FieldError? OtherSubject(Judgement item, IntentDefinition definition) =>
        item.Span.Subject is not { } subject || definition.MatchesSubject(subject, out _) ? null : new FieldError(
            "/subject", "subject", $"is '{Cut(subject, 96)}'; for {definition.Name} it must have the form {string.Join(" or ", definition.Subjects)}");

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 3)] + "…";

    /// <summary>Fills what an unsigned span left out, and lists it in a fixed order.</summary>
    private static void Repair(Judgement item, IReadOnlyList<string> gaps)
    {
        var (root, payload, definition) = (item.Submitted, item.Payload, item.Definition!);
        item.Span = SpanDocument.View(CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var member in root.EnumerateObject().Where(member => !member.NameEquals("payload")))
            {
                member.WriteTo(json);
            }
            foreach (var field in gaps)
            {
                Fill(json, field, item, definition);
            }
            json.WriteStartObject("payload");
            if (gaps.Contains(PayloadKind))
            {
                json.WriteString("kind", definition.Kind);
            }
            if (payload.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in payload.EnumerateObject())
                {
                    member.WriteTo(json);
                }
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }));
    }

    private static void Fill(Utf8JsonWriter json, string field, Judgement item, IntentDefinition definition)
    {
        switch (field)
        {
            case "schema_version": json.WriteString(field, SpanDocument.SchemaVersion); break;
            case "entity_type": json.WriteString(field, definition.EntityType); break;
            case "this": json.WriteString(field, SpanDocument.ThisPrefix + Guid.CreateVersion7(item.Now).ToString("D")); break;
            case "ts": json.WriteString(field, Timestamps.Write(item.Now)); break;
            case "did":
                json.WriteStartObject(field);
                json.WriteString("actor", item.Submission.Principal.TokenId);
                json.WriteString("action", "append");
                json.WriteEndObject();
                break;
        }
    }

    private static readonly JsonElement EmptyObject = CanonicalJson.Parse("{}"u8).Root;

    private static string Dotted(string pointer) => pointer.TrimStart('/').Replace('/', '.').Replace("~1", "/").Replace("~0", "~");

    private static string Kind(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Array => "an array",
        JsonValueKind.Null => "null",
        _ => "a " + kind.ToString().ToLowerInvariant(),
    };

    private static Rejection Invalid(IReadOnlyList<FieldError> errors) => new(RefusalCode.SchemaInvalid, errors[0].Message) { Errors = errors };
}
