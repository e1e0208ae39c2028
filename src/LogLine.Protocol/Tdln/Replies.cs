using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>Everything that the grammar says to people, in both languages, in one place.</summary>
internal static class Replies
{
    private const int Shown = 80;

    public static string Empty(TdlnLanguage language) =>
        new Bilingual("Say what you want.", "Diga o que quer.").In(language);

    public static string TooLong(int characters, TdlnLanguage language) => new Bilingual(
        $"The text has {characters} characters; at most {TdlnGrammar.MaxCharacters} are read.",
        $"O texto tem {characters} caracteres; são lidos no máximo {TdlnGrammar.MaxCharacters}.").In(language);

    public static string NotCharacters => "The text holds half of a surrogate pair, or U+FFFE; send whole characters.";

    public static string NoCanonicalForm(string why, TdlnLanguage language) => new Bilingual(
        $"Text and span together have no canonical form: {why}", $"Texto e span juntos não têm forma canónica: {why}").In(language);

    public static string NotASpan(TdlnLanguage language) =>
        new Bilingual("'span' must be an object: a partial span, or a document such as a manifest.", "'span' tem de ser um objeto: um span parcial, ou um documento como um manifesto.").In(language);

    public static string Unknown(string text, TdlnLanguage language) => new Bilingual(
        $"It is not clear what to do with '{Short(text)}'.", $"Não é claro o que fazer com '{Short(text)}'.").In(language);

    public static string UnknownIntent(string intent, TdlnLanguage language) => new Bilingual(
        $"'{Short(intent)}' is not an intent of the catalogue that a client can send.", $"'{Short(intent)}' não é uma intenção do catálogo que um cliente possa enviar.").In(language);

    public static string Ambiguous(string text, IEnumerable<string> intents, TdlnLanguage language) => new Bilingual(
        $"'{Short(text)}' can mean {string.Join(" or ", intents)}. Say it with more words, or give intent_hint.",
        $"'{Short(text)}' pode significar {string.Join(" ou ", intents)}. Diga-o com mais palavras, ou indique intent_hint.").In(language);

    public static string AnotherIntent(string said, string given, string where, TdlnLanguage language) => new Bilingual(
        $"The text says {said}, but {where} says {given}.", $"O texto diz {said}, mas {where} diz {given}.").In(language);

    public static string Signed(TdlnLanguage language) => new Bilingual(
        "The span is signed: a text cannot add to it. Send it without the text, or unsigned.",
        "O span está assinado: um texto não lhe pode acrescentar nada. Envie-o sem o texto, ou sem assinatura.").In(language);

    public static string TakesNoDocument(string intent, string type, TdlnLanguage language) => new Bilingual(
        $"{intent} takes no document of type '{Short(type)}'.", $"{intent} não recebe documentos do tipo '{Short(type)}'.").In(language);

    public static string BelongsToNoField(string words, TdlnIntent intent, TdlnLanguage language)
    {
        var fields = string.Join(", ", intent.Fields.Select(field => field.NameIn(language)).Distinct());
        return fields.Length == 0
            ? new Bilingual($"'{Short(words)}' is not understood; {intent.Name} has no fields to say.", $"'{Short(words)}' não se entende; {intent.Name} não tem campos para dizer.").In(language)
            : new Bilingual(
                $"'{Short(words)}' belongs to no field; fields of {intent.Name} are {fields}. Put quotation marks around a value that holds a comma.",
                $"'{Short(words)}' não pertence a nenhum campo; os campos de {intent.Name} são {fields}. Ponha entre aspas um valor que tenha vírgulas.").In(language);
    }

    public static string GivenTwice(string field, string first, string second, TdlnLanguage language) => new Bilingual(
        $"{field} is given twice: '{Short(first)}' and '{Short(second)}'.", $"{field} vem duas vezes: '{Short(first)}' e '{Short(second)}'.").In(language);

    public static string Differs(string field, string said, TdlnLanguage language) => new Bilingual(
        $"{field} is '{Short(said)}' in the text and something else in the span.", $"{field} é '{Short(said)}' no texto e outra coisa no span.").In(language);

    public static string CannotBeRead(TdlnField field, Normaliser normaliser, string written, TdlnLanguage language)
    {
        var accepted = field.Choices.Count > 0 ? string.Join(", ", field.Choices) : normaliser.Accepts.In(language);
        return new Bilingual($"{field.Name} is '{Short(written)}'; accepted is {accepted}.", $"{field.Name} é '{Short(written)}'; aceita-se {accepted}.").In(language);
    }

    /// <summary>Cuts what is shown of a text of the sender's.</summary>
    public static string Short(string text)
    {
        if (text.Length <= Shown)
        {
            return text;
        }
        var end = char.IsHighSurrogate(text[Shown - 2]) ? Shown - 2 : Shown - 1;
        return string.Concat(text.AsSpan(0, end), "…");
    }

    /// <summary>
    /// A sentence that the phrase understands: captures replaced by the schema's examples, the fields that are always needed said behind it.
    /// </summary>
    /// <param name="phrase">The phrase.</param>
    /// <param name="intent">Its intent.</param>
    /// <param name="language">For names of fields and for yes and no.</param>
    /// <param name="opening">Which alternative of its first word to begin with.</param>
    public static string Example(Phrase phrase, TdlnIntent intent, TdlnLanguage language, int opening = 0)
    {
        var (sentence, captured) = (new StringBuilder(), new HashSet<int>());
        var parts = phrase.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < parts.Length; i++)
        {
            var field = phrase.Parts[i].Field;
            sentence.Append(i > 0 ? " " : "").Append(field < 0 ? parts[i].Split('|')[i == 0 ? opening : 0] : ValueOf(intent.Fields[field], language) ?? "…");
            captured.Add(field);
        }
        for (var i = 0; i < intent.Fields.Count; i++)
        {
            if (intent.Fields[i].IsRequired && !captured.Contains(i) && ValueOf(intent.Fields[i], language) is { } value)
            {
                sentence.Append(", ").Append(intent.Fields[i].NameIn(language)).Append(' ').Append(value);
            }
        }
        return sentence.ToString();
    }

    private static string? ValueOf(TdlnField field, TdlnLanguage language) => field.Example switch
    {
        "true" when field.Normaliser == "boolean" => new Bilingual("yes", "sim").In(language),
        "false" when field.Normaliser == "boolean" => new Bilingual("no", "não").In(language),
        { } text when text.AsSpan().ContainsAny(",;\n") => $"\"{text}\"",
        var text => text,
    };
}
