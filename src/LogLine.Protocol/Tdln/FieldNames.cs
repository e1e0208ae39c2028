namespace LogLine.Protocol.Tdln;

/// <summary>A field's name in a sentence: which field, and how many tokens; field −1 for none.</summary>
internal readonly record struct NamedField(int Field, int Length);

/// <summary>The names that fields of one intent go by, found by their first word; of several that match, the longest.</summary>
internal sealed class FieldNames
{
    private readonly Dictionary<int, List<(int[] Words, int Field)>> _byFirstWord = [];

    /// <summary>Compiles the names: those that the schema gives, then for each field its own where it is still free (a payload's "name" goes before "target.name").</summary>
    /// <exception cref="TdlnGrammarException">The schema gives one name to two fields.</exception>
    public FieldNames(TdlnIntent intent, Vocabulary vocabulary)
    {
        var owners = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < intent.Fields.Count; i++)
        {
            var field = intent.Fields[i];
            foreach (var (name, role) in field.English.Select(name => (name, WordRoles.English)).Concat(field.Portuguese.Select(name => (name, WordRoles.Portuguese))))
            {
                var folded = Folding.Fold(Folding.Collapse(name));
                vocabulary.AddAll(folded, role);
                if (!owners.TryAdd(folded, i) && owners[folded] != i)
                {
                    throw new TdlnGrammarException($"{intent.Name}: both {intent.Fields[owners[folded]].Name} and {field.Name} are called '{name}'");
                }
            }
        }
        foreach (var (field, i) in intent.Fields.Select((field, i) => (field, i)).OrderBy(entry => entry.field.Name.Contains('.')))
        {
            foreach (var name in field.OwnNames)
            {
                owners.TryAdd(name, i);
            }
        }
        foreach (var (name, owner) in owners)
        {
            var words = vocabulary.AddAll(name, WordRoles.FieldName);
            if (!_byFirstWord.TryGetValue(words[0], out var names))
            {
                _byFirstWord.Add(words[0], names = []);
            }
            names.Add((words, owner));
        }
        foreach (var names in _byFirstWord.Values)
        {
            names.Sort((a, b) => b.Words.Length - a.Words.Length);
        }
    }

    /// <summary>The field whose name stands at a token.</summary>
    public NamedField At(Sentence sentence, int at)
    {
        if (at >= sentence.Count || sentence[at].Kind != SentenceTokenKind.Word || !_byFirstWord.TryGetValue(sentence[at].Word, out var names))
        {
            return new(-1, 0);
        }
        foreach (var (words, field) in names)
        {
            if (Matches(sentence, at, words))
            {
                return new(field, words.Length);
            }
        }
        return new(-1, 0);
    }

    /// <summary>Passes over a field's own name before its captured value, and over a colon: "deploy <em>ref:</em> mc:… to podman", "create person<em>:</em> Ana".</summary>
    public int SkipOwnName(Sentence sentence, int at, int field)
    {
        at = sentence.IsAssign(at) ? at + 1 : at;
        var named = At(sentence, at);
        if (named.Field != field || named.Field < 0)
        {
            return at;
        }
        at += named.Length;
        return sentence.IsAssign(at) ? at + 1 : at;
    }

    /// <summary>
    /// Where the value that begins at <paramref name="start"/> ends: before the next field's name, at a break or at the end. Linking words before a field's name
    /// ("… and email x") and thanks before a break ("… please") are not part of it.
    /// </summary>
    /// <param name="sentence">The text.</param>
    /// <param name="start">Its first token.</param>
    /// <param name="next">Where reading goes on.</param>
    public int EndOfValue(Sentence sentence, int start, out int next)
    {
        var end = start;
        while (!sentence.IsBreak(end) && At(sentence, end).Field < 0)
        {
            end++;
        }
        next = end;
        if (!sentence.IsBreak(end))
        {
            while (end - 1 > start && sentence.Has(end - 1, WordRoles.Link))
            {
                end--;
            }
            return end;
        }
        return EndBeforeThanks(sentence, start, end);
    }

    private static int EndBeforeThanks(Sentence sentence, int start, int end)
    {
        while (end - 1 > start && sentence.Has(end - 1, WordRoles.Thanks))
        {
            end--;
            if (end - 1 > start && sentence.Slice(end - 1, end + 1).Equals("por favor", StringComparison.OrdinalIgnoreCase))
            {
                end--;
            }
        }
        return end;
    }

    private static bool Matches(Sentence sentence, int at, int[] words)
    {
        if (at + words.Length > sentence.Count)
        {
            return false;
        }
        for (var i = 0; i < words.Length; i++)
        {
            if (sentence[at + i].Word != words[i])
            {
                return false;
            }
        }
        return true;
    }
}
