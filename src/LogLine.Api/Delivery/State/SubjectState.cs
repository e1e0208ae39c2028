using System.Text.Json;
using LogLine.Api.Delivery.Reading;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.State;

/// <summary>
/// What the spans of one subject add up to: a fold over them in the order of the log, by the rules of their intents. The same spans give the same state, however
/// many at a time they come. Not for two at a time.
/// </summary>
internal sealed class SubjectState(StateRules rules)
{
    private const int MaxRuns = 50;

    private readonly SortedDictionary<string, IntentCount> _intents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, StateList> _lists = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<(StateRule Rule, JsonElement Payload)>> _waiting = new(StringComparer.Ordinal);
    private StateFields _fields = new();
    private StateFields _values = new();
    private StateList _runs = new(MaxRuns);
    private Deployments _deployments = new();
    private LogItem? _created, _updated, _deleted;

    /// <summary>Spans that were folded.</summary>
    public long Spans { get; private set; }

    /// <summary>Index of the first entry that was not looked at; as a cursor, the <c>seq</c> up to which all is folded in.</summary>
    public long Next { get; set; }

    /// <summary>True when nothing further of the subject was there at the last reading.</summary>
    public bool Complete { get; set; }

    /// <summary>The ref that was applied last, when the subject is a MiniContainer.</summary>
    public string? Ref => _fields.Text("ref");

    /// <summary>Folds one more span in.</summary>
    public void Apply(LogItem item)
    {
        using var document = JsonDocument.Parse(item.Stored.Span);
        var payload = document.RootElement.Member("payload");
        Spans++;
        var count = _intents.GetValueOrDefault(item.Intent);
        _intents[item.Intent] = new IntentCount((count?.Count ?? 0) + 1, item.Seq, document.RootElement.Text("this") ?? "");
        var changed = item.RunId is { } run && ApplyRun(item, run, document.RootElement, payload);
        foreach (var rule in rules.Of(item.Intent))
        {
            if (rule.AfterRun && item.RunId is { } awaited)
            {
                Await(awaited, rule, payload.Clone());
            }
            else
            {
                Apply(rule, payload, item);
                changed |= rule.Fold != StateFold.Delete;
            }
        }
        if (changed)
        {
            Touch(item);
        }
    }

    /// <summary>Writes the members of the state.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteString("status", _deleted is null ? "present" : "deleted");
        Write(json, "created", _created);
        Write(json, "updated", _updated);
        Write(json, "deleted", _deleted);
        json.WriteNumber("spans", Spans);
        json.WritePropertyName("fields");
        _fields.WriteTo(json);
        json.WritePropertyName("values");
        _values.WriteTo(json);
        json.WriteStartObject("lists");
        foreach (var (name, list) in _lists)
        {
            json.WritePropertyName(name);
            list.WriteTo(json);
        }
        json.WriteEndObject();
        json.WritePropertyName("deployments");
        _deployments.WriteTo(json);
        json.WritePropertyName("runs");
        _runs.WriteTo(json);
        json.WriteStartArray("truncated");
        foreach (var name in Truncated())
        {
            json.WriteStringValue(name);
        }
        json.WriteEndArray();
        json.WriteStartObject("intents");
        foreach (var (intent, count) in _intents)
        {
            json.WriteStartObject(intent);
            json.WriteNumber("count", count.Count);
            json.WriteNumber("seq", count.Seq);
            json.WriteString("this", count.This);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private IEnumerable<string> Truncated() => _lists.Where(list => list.Value.Truncated).Select(list => list.Key)
        .Concat(_fields.Truncated ? ["fields"] : [])
        .Concat(_values.Truncated ? ["values"] : [])
        .Concat(_deployments.Truncated ? ["deployments"] : [])
        .Concat(_runs.Truncated ? ["runs"] : []);

    private static void Write(Utf8JsonWriter json, string name, LogItem? item)
    {
        if (item is not null)
        {
            json.WriteStartObject(name);
            json.WriteNumber("seq", item.Seq);
            json.WriteString("at", Timestamps.Write(item.ReceivedAt));
            json.WriteString("intent", item.Intent);
            json.WriteEndObject();
        }
    }

    private void Touch(LogItem item)
    {
        _deleted = null;
        _created ??= item;
        _updated = item;
    }

    // --- what the rules of the intent say ---

    private void Apply(StateRule rule, JsonElement payload, LogItem item)
    {
        if (!rule.Holds(payload))
        {
            return;
        }
        var source = rule.Of is { } member ? payload.Member(member) : payload;
        switch (rule.Fold)
        {
            case StateFold.Fields:
                Merge(_fields, rule, source);
                break;
            case StateFold.Value:
                _values.Set(rule.Name, Bare(source));
                break;
            case StateFold.Item:
                var change = new StateFields();
                Merge(change, rule, source);
                var key = KeyOf(rule, change);
                var list = List(rule.Name);
                var like = rule.Like is { } first && payload.Text(first) is { } model ? list.Find(KeyOf(model)) : null;
                var whole = (list.Find(key) ?? like)?.Copy() ?? new StateFields();
                Merge(whole, rule, source);
                list.Put(key, whole);
                break;
            case StateFold.Drop:
                var named = new StateFields();
                Merge(named, rule, source);
                List(rule.Name).Drop(KeyOf(rule, named));
                break;
            case StateFold.Delete:
                Forget(item);
                break;
        }
    }

    private StateList List(string name) => _lists.TryGetValue(name, out var list) ? list : _lists[name] = new StateList();

    private void Forget(LogItem item)
    {
        _lists.Clear();
        _waiting.Clear();
        (_fields, _values, _created, _updated, _deleted) = (new StateFields(), new StateFields(), null, null, item);
    }

    private static void Merge(StateFields into, StateRule rule, JsonElement source)
    {
        foreach (var (name, value) in Members(rule, source))
        {
            if (rule.Hex.Contains(name) && DomainSignature.TryDecodePublicKey(value.GetString(), out var key))
            {
                into.Set(name, Convert.ToHexStringLower(key));
            }
            else
            {
                into.Set(name, value.Clone());
            }
        }
        foreach (var (name, value) in rule.Set)
        {
            into.Set(name, value);
        }
    }

    private static IEnumerable<(string Name, JsonElement Value)> Members(StateRule rule, JsonElement source)
    {
        if (source.ValueKind != JsonValueKind.Object)
        {
            return [];
        }
        return rule.Pick is { } pick
            ? pick.Select(name => (name.Key, source.Member(name.Value))).Where(member => member.Item2.ValueKind != JsonValueKind.Undefined)
            : source.EnumerateObject().Where(member => !member.NameEquals("kind")).Select(member => (member.Name, member.Value));
    }

    private static JsonElement Bare(JsonElement payload) =>
        JsonSerializer.SerializeToElement(payload.EnumerateObject().Where(member => !member.NameEquals("kind")).ToDictionary(member => member.Name, member => member.Value));

    private static string KeyOf(StateRule rule, StateFields item) => KeyOf([.. rule.Key.Select(name => item.Member(name) is { ValueKind: not JsonValueKind.Undefined } value ? value.ToString() : "")]);

    private static string KeyOf(params string[] parts) => string.Join('\n', parts);

    // --- what runs say ---

    private bool ApplyRun(LogItem item, string run, JsonElement span, JsonElement payload)
    {
        if (rules.Starts(item.Intent))
        {
            return Begin(item, run, span, payload);
        }
        if (item.Intent == "deploy.planned")
        {
            var planned = _runs.Find(run)?.Copy() ?? new StateFields();
            planned.Set("run_id", run);
            planned.Set("ref", payload.Text("ref") ?? "");
            planned.Set("target", payload.Member("target").Clone());
            _runs.Put(run, planned);
            _deployments.Apply(item.Intent, payload, span.Text("ts") ?? "");
            return true;
        }
        if (!item.Intent.StartsWith("run_state.", StringComparison.Ordinal))
        {
            return false;
        }
        _deployments.Apply(item.Intent, payload, span.Text("ts") ?? "");
        return Move(item, run, span, payload);
    }

    private bool Begin(LogItem item, string run, JsonElement span, JsonElement payload)
    {
        if (_runs.Find(run) is not null)
        {
            return false; // it wants what runs already
        }
        var known = new StateFields();
        known.Set("run_id", run);
        known.Set("intent", item.Intent);
        known.Set("state", "planned");
        known.Set("span", span.Text("this") ?? "");
        if (payload.Member("target") is { ValueKind: JsonValueKind.Object } target)
        {
            known.Set("target", target.Clone());
        }
        _runs.Put(run, known);
        return true;
    }

    /// <returns>False when the subject is gone with it.</returns>
    private bool Move(LogItem item, string run, JsonElement span, JsonElement payload)
    {
        var known = _runs.Find(run)?.Copy() ?? new StateFields();
        known.Set("run_id", run);
        known.Set("state", item.Intent["run_state.".Length..]);
        known.Set("since", span.Text("ts") ?? "");
        foreach (var name in (ReadOnlySpan<string>)["exit_code", "reason", "error", "ports", "replaced_by"])
        {
            if (payload.Member(name) is { ValueKind: not JsonValueKind.Undefined } value)
            {
                known.Set(name, value.Clone());
            }
        }
        _runs.Put(run, known);
        if (item.Intent is not ("run_state.exited" or "run_state.failed" or "run_state.cancelled") || !_waiting.Remove(run, out var waiting))
        {
            return true;
        }
        foreach (var (rule, order) in waiting.Where(_ => item.Intent == "run_state.exited" && payload.Integer("exit_code") == 0))
        {
            Apply(rule, order, item);
            if (rule.Fold == StateFold.Delete)
            {
                return false;
            }
        }
        return true;
    }

    private void Await(string run, StateRule rule, JsonElement payload)
    {
        if (!_waiting.TryGetValue(run, out var rules))
        {
            _waiting.Add(run, rules = []);
        }
        rules.Add((rule, payload));
    }

    private sealed record IntentCount(long Count, long Seq, string This);
}
