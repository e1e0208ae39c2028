using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tdln;

/// <summary>Puts a span together from what the context gives and what the text says. The context is never changed: where the two differ, that is a fault.</summary>
internal sealed class SpanAssembly
{
    private static readonly string[] Composed = ["intent", "subject", "payload"];
    private readonly IntentGrammar _intent;
    private readonly TdlnContext _context;
    private readonly TdlnLanguage _language;
    private readonly FieldReading _reading;
    private readonly bool _isDocument;

    private SpanAssembly(IntentGrammar intent, TdlnContext context, TdlnLanguage language, FieldReading reading)
    {
        (_intent, _context, _language, _reading) = (intent, context, language, reading);
        _isDocument = IsDocument(context.Span);
    }

    /// <summary>True for what has a type of its own and is no span.</summary>
    public static bool IsDocument(JsonElement given) =>
        given.Text("type") is not null && !Composed.Any(name => given.Member(name).ValueKind != JsonValueKind.Undefined);

    /// <summary>The span, or why there is none.</summary>
    public static TdlnResult Assemble(IntentGrammar intent, TdlnContext context, TdlnLanguage language, FieldReading reading)
    {
        var assembly = new SpanAssembly(intent, context, language, reading);
        TdlnResult.NotUnderstood Contradicts(string message) => new(language, TdlnRefusal.Contradiction, message, []);
        if (assembly._isDocument && context.Span.Text("type") is { } type && !intent.Definition.Documents.ContainsKey(type))
        {
            return Contradicts(Replies.TakesNoDocument(intent.Definition.Name, type, language));
        }
        if (context.Span.Member("signature").ValueKind != JsonValueKind.Undefined && !assembly._isDocument)
        {
            return reading.Said.Count == 0
                ? assembly.Compose(json => context.Span.WriteTo(json))
                : Contradicts(Replies.Signed(language));
        }
        return assembly.Compose(assembly.Write);
    }

    private TdlnResult Compose(Action<Utf8JsonWriter> write)
    {
        try
        {
            var span = CanonicalJson.Compose(write);
            return new TdlnResult.Compiled(_language, span, Normalised(), _reading.Faults) { Altered = Altered() };
        }
        catch (FormatException fault)
        {
            // The context is the sender's: fractions in it, or a depth that the payload around a document exceeds, are refused, not thrown.
            return new TdlnResult.NotUnderstood(_language, TdlnRefusal.Unreadable, Replies.NoCanonicalForm(fault.Message, _language), []);
        }
    }

    private void Write(Utf8JsonWriter json)
    {
        var payload = Payload();
        json.WriteStartObject();
        if (!_isDocument && _context.Span.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in _context.Span.EnumerateObject().Where(member => !Composed.Contains(member.Name)))
            {
                member.WriteTo(json);
            }
        }
        json.WriteString("intent", _intent.Definition.Name);
        WriteSubject(json, payload);
        json.WritePropertyName("payload");
        payload.WriteTo(json);
        json.WriteEndObject();
    }

    private JsonElement GivenPayload => _isDocument ? default : _context.Span.Member("payload");

    private JsonElement Payload()
    {
        var given = GivenPayload;
        if (given.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Object))
        {
            // The schema says what is wrong with it.
            return given;
        }
        var additions = new List<Addition>();
        if (_isDocument && _context.Span.Text("type") is { } type)
        {
            additions.Add(new Addition([_intent.Definition.Documents[type]], json => _context.Span.WriteTo(json)));
        }
        foreach (var said in _reading.Said)
        {
            var field = _intent.Definition.Fields[said.Field];
            if (!field.IsSlot && IsNew(given, field, said))
            {
                additions.Add(new Addition(field.Name.Split('.'), json => ReadValue.WriteTo(json, said.Value)));
            }
        }
        return CanonicalJson.Compose(json => WriteMerged(json, given, additions, 0)).Root;
    }

    /// <summary>False when the context has the value already; a different one is a fault.</summary>
    private bool IsNew(JsonElement given, TdlnField field, SaidField said)
    {
        var at = given;
        foreach (var part in field.Name.Split('.'))
        {
            if (at.ValueKind == JsonValueKind.Object && !at.TryGetProperty(part, out _))
            {
                return true;
            }
            at = at.Member(part);
        }
        if (given.ValueKind == JsonValueKind.Undefined)
        {
            return true;
        }
        if (!ReadValue.Is(at, said.Value))
        {
            _reading.Report(new TdlnFault(FieldReading.Pointer(field), "consistency", Replies.Differs(field.Name, said.Written, _language)));
        }
        return false;
    }

    private static void WriteMerged(Utf8JsonWriter json, JsonElement given, List<Addition> additions, int depth)
    {
        json.WriteStartObject();
        var rest = additions.GroupBy(addition => addition.Path[depth]).ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);
        if (given.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in given.EnumerateObject())
            {
                if (rest.Remove(member.Name, out var inside))
                {
                    json.WritePropertyName(member.Name);
                    WriteMerged(json, member.Value, inside, depth + 1);
                }
                else
                {
                    member.WriteTo(json);
                }
            }
        }
        foreach (var (name, group) in rest)
        {
            json.WritePropertyName(name);
            if (group[0].Path.Length == depth + 1)
            {
                group[0].Write(json);
            }
            else
            {
                WriteMerged(json, default, group, depth + 1);
            }
        }
        json.WriteEndObject();
    }

    /// <summary>
    /// The context's subject; else the one that the text names, the one of the ref, of the run, or the first form whose slots can all be filled. None of
    /// them: the gate asks for it.
    /// </summary>
    private void WriteSubject(Utf8JsonWriter json, JsonElement payload)
    {
        var said = Said("subject");
        if (!_isDocument && _context.Span.Member("subject") is { ValueKind: not JsonValueKind.Undefined } given)
        {
            json.WritePropertyName("subject");
            given.WriteTo(json);
            if (said is not null && !ReadValue.Is(given, said))
            {
                _reading.Report(new TdlnFault("/subject", "consistency", Replies.Differs("subject", said, _language)));
            }
        }
        else if ((said ?? SubjectOfRef(payload) ?? SubjectOfRun(payload) ?? SubjectOfForm(payload)) is { } subject)
        {
            json.WriteString("subject", subject);
        }
    }

    private string? SubjectOfRef(JsonElement payload) =>
        Named("ref", payload) is { } text && MiniContainerRef.TryParse(text, out var reference)
        && _intent.Definition.SubjectForms.Any(form => form.StartsWith("urn:minicontainer:", StringComparison.Ordinal))
            ? reference.Subject
            : null;

    private string? SubjectOfRun(JsonElement payload) => Named("run_id", payload) is { } run && Identifiers.IsRunId(run) ? _context.SubjectOfRun(run) : null;

    /// <summary>The value of the payload field that a normaliser reads.</summary>
    private string? Named(string normaliser, JsonElement payload)
    {
        for (var i = 0; i < _intent.Definition.Fields.Count; i++)
        {
            if (_intent.Normalisers[i].Name == normaliser && !_intent.Definition.Fields[i].IsSlot && At(payload, _intent.Definition.Fields[i].Name) is { } value)
            {
                return value;
            }
        }
        return null;
    }

    private string? SubjectOfForm(JsonElement payload)
    {
        foreach (var form in _intent.Definition.SubjectForms)
        {
            var (subject, rest) = ("", form);
            while (subject is not null && rest.IndexOf('{') is var open and >= 0 && rest.IndexOf('}') is var close && close > open)
            {
                subject = Slot(rest[(open + 1)..close], payload) is { } value ? subject + rest[..open] + value : null;
                rest = rest[(close + 1)..];
            }
            if (subject is not null)
            {
                return subject + rest;
            }
        }
        return null;
    }

    private string? Slot(string slot, JsonElement payload)
    {
        var value = _intent.Definition.Slots.TryGetValue(slot, out var source)
            ? At(payload, source.From) is { } from ? Normaliser.All[source.Normaliser].Read(new Written(from, Quoted: true), default) as string : null
            : slot == "tenant" ? _context.Tenant : Said(slot) ?? At(payload, slot);
        return value is not null && Identifiers.IsName(value) ? value : null;
    }

    /// <summary>What the text said of a slot, when it could be read.</summary>
    private string? Said(string slot) => _reading.Said
        .Where(said => said.IsRead && _intent.Definition.Fields[said.Field] is { IsSlot: true } field && field.Name == slot)
        .Select(said => said.Value as string).FirstOrDefault();

    private static string? At(JsonElement payload, string path)
    {
        var parts = path.Split('.');
        return parts[..^1].Aggregate(payload, (at, part) => at.Member(part)).Text(parts[^1]);
    }

    /// <summary>What the context gives keeps its place, or that of the document in the payload; what the text says has that of its field.</summary>
    private List<string> Altered()
    {
        var place = _isDocument ? "/payload/" + _intent.Definition.Documents[_context.Span.Text("type")!] : "";
        return [.. _context.Altered.Select(path => place + path), .. _reading.Said.Where(said => said.IsAltered).Select(said => FieldReading.Pointer(_intent.Definition.Fields[said.Field]))];
    }

    private List<string> Normalised() =>
    [
        .. _reading.Said
            .Where(said => said.IsRead && !_intent.Definition.Fields[said.Field].IsSlot && !IsAsWritten(said))
            .Select(said => "payload." + _intent.Definition.Fields[said.Field].Name),
    ];

    private static bool IsAsWritten(SaidField said) => said.Value switch
    {
        string text => text == said.Written,
        bool flag => said.Written == (flag ? "true" : "false"),
        long number => said.Written == number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => true,
    };

    /// <summary>A value that is to be written at a path of the payload.</summary>
    private sealed record Addition(string[] Path, Action<Utf8JsonWriter> Write);
}
