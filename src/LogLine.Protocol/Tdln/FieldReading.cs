namespace LogLine.Protocol.Tdln;

/// <summary>An intent as the grammar holds it.</summary>
internal sealed record IntentGrammar(TdlnIntent Definition, FieldNames Names, IReadOnlyList<Normaliser> Normalisers);

/// <summary>What was said of one field.</summary>
/// <param name="Field">Index in the intent.</param>
/// <param name="Value">As read; as written when it could not be read.</param>
/// <param name="Written">As written.</param>
/// <param name="IsRead">Whether the normaliser could read it.</param>
/// <param name="IsAltered">Whether it was sent in another form than NFC.</param>
internal sealed record SaidField(int Field, object Value, string Written, bool IsRead, bool IsAltered);

/// <summary>
/// Reads what a sentence says of the fields of one intent, from what a phrase captured and from the named values behind it. Nothing is dropped: what belongs to no
/// field becomes a fault.
/// </summary>
internal sealed class FieldReading
{
    private const int MaxFaults = 16;
    private readonly List<TdlnFault> _faults = [];
    private readonly Sentence _sentence;
    private readonly IntentGrammar _intent;
    private readonly TdlnLanguage _language;
    private readonly string? _country;
    private readonly SortedDictionary<int, (int Start, int End)> _values = [];

    private FieldReading(Sentence sentence, IntentGrammar intent, TdlnLanguage language, string? country) =>
        (_sentence, _intent, _language, _country) = (sentence, intent, language, country);

    /// <summary>What was said, in the order of the schema.</summary>
    public List<SaidField> Said { get; } = [];

    /// <summary>What is wrong.</summary>
    public IReadOnlyList<TdlnFault> Faults => _faults;

    /// <summary>Adds a fault; from <see cref="MaxFaults"/> on they are left out, for one is enough to refuse the text.</summary>
    public void Report(TdlnFault fault)
    {
        if (_faults.Count < MaxFaults)
        {
            _faults.Add(fault);
        }
    }

    /// <summary>Reads captures, then everything from token <paramref name="at"/> on.</summary>
    public static FieldReading Read(Sentence sentence, IntentGrammar intent, TdlnLanguage language, string? country, IEnumerable<Capture> captures, int at)
    {
        var reading = new FieldReading(sentence, intent, language, country);
        foreach (var capture in captures)
        {
            reading.Take(capture.Field, capture.Start, capture.End);
        }
        reading.TakeFields(at);
        reading.Normalise();
        return reading;
    }

    /// <summary>Whether a normaliser can read a captured value, without keeping it.</summary>
    public static bool CanRead(Sentence sentence, IntentGrammar intent, Capture capture, string? country) =>
        Value(sentence, intent, capture.Field, capture.Start, capture.End, country) is not null;

    private void TakeFields(int at)
    {
        at = _sentence.IsAssign(at) ? at + 1 : at;
        while (at < _sentence.Count)
        {
            if (_sentence.IsBreak(at))
            {
                at++;
                continue;
            }
            var start = at;
            while (_sentence.Has(at, WordRoles.Link) && _intent.Names.At(_sentence, at).Field < 0)
            {
                at++;
            }
            var named = _intent.Names.At(_sentence, at);
            if (named.Field < 0)
            {
                at = PassOver(start);
                continue;
            }
            at += named.Length;
            at = _sentence.IsAssign(at) ? at + 1 : at;
            var end = _intent.Names.EndOfValue(_sentence, at, out var next);
            Take(named.Field, at, end);
            at = next;
        }
    }

    /// <summary>Words that belong to no field, up to the next break or field: courtesy is passed over, anything else reported.</summary>
    private int PassOver(int start)
    {
        var end = start;
        var courtesy = true;
        while (!_sentence.IsBreak(end) && _intent.Names.At(_sentence, end).Field < 0)
        {
            courtesy &= _sentence.Has(end, WordRoles.Thanks) || _sentence.Has(end, WordRoles.Courtesy) || _sentence.Has(end, WordRoles.Link);
            end++;
        }
        if (!courtesy)
        {
            Report(new TdlnFault("/paragraph", "grammar", Replies.BelongsToNoField(_sentence.Slice(start, end), _intent.Definition, _language)));
        }
        return end;
    }

    private void Take(int field, int start, int end)
    {
        if (start >= end)
        {
            return;
        }
        if (!_values.TryAdd(field, (start, end)) && _sentence.Value(_values[field].Start, _values[field].End) != _sentence.Value(start, end))
        {
            var (first, second) = (_sentence.Slice(_values[field].Start, _values[field].End), _sentence.Slice(start, end));
            Report(new TdlnFault(Pointer(_intent.Definition.Fields[field]), "consistency", Replies.GivenTwice(_intent.Definition.Fields[field].Name, first, second, _language)));
        }
    }

    /// <summary>Reads the values; telephone numbers last, for the country that the text names says what a national one means.</summary>
    private void Normalise()
    {
        var country = _country;
        foreach (var field in _values.Keys.Where(field => _intent.Normalisers[field].Name == "country"))
        {
            country = Value(_sentence, _intent, field, _values[field].Start, _values[field].End, null) as string ?? country;
        }
        foreach (var (field, (start, end)) in _values)
        {
            var written = _sentence.Value(start, end).Text;
            var value = Value(_sentence, _intent, field, start, end, country);
            Said.Add(new SaidField(field, value ?? written, written, value is not null, _sentence.IsAltered(start, end)));
            if (value is null)
            {
                var definition = _intent.Definition.Fields[field];
                Report(new TdlnFault(Pointer(definition), "normalize", Replies.CannotBeRead(definition, _intent.Normalisers[field], written, _language)));
            }
        }
    }

    /// <summary>JSON Pointer of a field; a slot's is the subject's.</summary>
    public static string Pointer(TdlnField field) => field.IsSlot ? "/subject" : "/payload/" + field.Name.Replace('.', '/');

    private static object? Value(Sentence sentence, IntentGrammar intent, int field, int start, int end, string? country)
    {
        var normaliser = intent.Normalisers[field];
        return normaliser.Name == "list"
            ? sentence.Pieces(start, end).Select(piece => piece.Text).ToArray() is { Length: > 0 } list ? list : null
            : normaliser.Read(sentence.Value(start, end), new ReadingContext(intent.Definition.Fields[field].Choices, country));
    }
}
