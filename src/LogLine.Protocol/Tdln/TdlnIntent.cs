namespace LogLine.Protocol.Tdln;

/// <summary>
/// What the grammar needs to know of an intent; all of it comes from the intent's schema file (docs/tdln.md), read by <see cref="TdlnIntentReader"/>.
/// </summary>
/// <param name="Name">For example <c>deploy.apply</c>; the name itself is a phrase in every language.</param>
/// <param name="Phrases">How people begin to say it, <c>x-logline.phrases</c>.</param>
/// <param name="Fields">What they can say of it.</param>
/// <param name="SubjectForms">Forms of the subject, <c>x-logline.subject</c>; the first whose slots can all be filled is taken.</param>
/// <param name="Slots">Slots of those forms that are not simply a payload field of the same name, <c>x-logline.slots</c>.</param>
/// <param name="Documents">Payload members that take a whole document: the <c>type</c> that its schema demands, and the member's name (<c>ll.minicontainer.v1</c>, <c>manifest</c>).</param>
public sealed record TdlnIntent(
    string Name,
    IReadOnlyList<TdlnPhrase> Phrases,
    IReadOnlyList<TdlnField> Fields,
    IReadOnlyList<string> SubjectForms,
    IReadOnlyDictionary<string, TdlnSlot> Slots,
    IReadOnlyDictionary<string, string> Documents);

/// <summary>
/// A phrase: words and captures. <c>deploy {ref} to|on {target.provider}</c>: a word may list alternatives, a capture names a field; the first part is a word.
/// </summary>
public sealed record TdlnPhrase(TdlnLanguage Language, string Text);

/// <summary>A field that a sentence can give.</summary>
/// <param name="Name">Dotted path in the payload (<c>target.provider</c>), or the name of a slot of the subject.</param>
/// <param name="Normaliser">Name of its normaliser, from <c>x-logline.normalize</c> or from type and format.</param>
/// <param name="English">What it is called in English beside its own name.</param>
/// <param name="Portuguese">What it is called in Portuguese beside its own name.</param>
public sealed record TdlnField(string Name, string Normaliser, IReadOnlyList<string> English, IReadOnlyList<string> Portuguese)
{
    /// <summary>True when it fills a slot of the subject and is not in the payload.</summary>
    public bool IsSlot { get; init; }

    /// <summary>True when the schema always requires it; examples show these.</summary>
    public bool IsRequired { get; init; }

    /// <summary>An example of its value, for examples of sentences; null when the schema has none.</summary>
    public string? Example { get; init; }

    /// <summary>Accepted values of an <c>enum</c>; empty for all others.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Its own names: <c>target.project_id</c> can also be said "project_id" and "project id".</summary>
    public IEnumerable<string> OwnNames => new[] { Leaf.Replace('_', ' '), Leaf, Name }.Distinct(StringComparer.Ordinal);

    /// <summary>What to call it in a language: its own name is English.</summary>
    public string NameIn(TdlnLanguage language) => (language == TdlnLanguage.Portuguese ? Portuguese.FirstOrDefault() : null) ?? Leaf.Replace('_', ' ');

    private string Leaf => Name[(Name.LastIndexOf('.') + 1)..];
}

/// <summary>Where a slot of the subject comes from: a payload field, and how its value becomes the slot's.</summary>
public sealed record TdlnSlot(string From, string Normaliser);

/// <summary>An intent's annotations cannot be used; the message says what is wrong.</summary>
public sealed class TdlnGrammarException(string message) : Exception(message);
