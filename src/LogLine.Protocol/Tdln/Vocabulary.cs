using System.Buffers;
using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>What a word may do in a sentence; see <see cref="FunctionWords"/>.</summary>
[Flags]
internal enum WordRoles
{
    None = 0,
    English = 1,
    Portuguese = 2,
    Courtesy = 4,
    Thanks = 8,
    Article = 16,
    Link = 32,
    Indefinite = 64,

    /// <summary>Part of a field's name: ":" or "=" right behind it ends the word ("email:x").</summary>
    FieldName = 128,
}

/// <summary>Every word that the grammar knows, as a number, so that sentences are compared number by number.</summary>
internal sealed class Vocabulary
{
    /// <summary>The number of words that are not known.</summary>
    public const int Unknown = -1;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<WordRoles> _roles = [];

    public Vocabulary()
    {
        Add(FunctionWords.CourtesyEnglish, WordRoles.Courtesy | WordRoles.English);
        Add(FunctionWords.CourtesyPortuguese, WordRoles.Courtesy | WordRoles.Portuguese);
        Add(FunctionWords.ThanksEnglish, WordRoles.Thanks | WordRoles.English);
        Add(FunctionWords.ThanksPortuguese, WordRoles.Thanks | WordRoles.Portuguese);
        Add(FunctionWords.ArticlesEnglish, WordRoles.Article | WordRoles.English);
        Add(FunctionWords.ArticlesPortuguese, WordRoles.Article | WordRoles.Portuguese);
        Add(FunctionWords.LinksEnglish, WordRoles.Link | WordRoles.English);
        Add(FunctionWords.LinksPortuguese, WordRoles.Link | WordRoles.Portuguese);
        Add(FunctionWords.IndefiniteEnglish, WordRoles.Indefinite | WordRoles.English);
        Add(FunctionWords.IndefinitePortuguese, WordRoles.Indefinite | WordRoles.Portuguese);
        Add(FunctionWords.OnlyEnglish, WordRoles.English);
        Add(FunctionWords.OnlyPortuguese, WordRoles.Portuguese);
    }

    /// <summary>The number of a word, which is added if it is new; <paramref name="roles"/> are added to those that it has.</summary>
    public int Add(string word, WordRoles roles)
    {
        var folded = Folding.Fold(word);
        if (!_ids.TryGetValue(folded, out var id))
        {
            id = _roles.Count;
            _ids.Add(folded, id);
            _roles.Add(WordRoles.None);
        }
        _roles[id] |= roles;
        return id;
    }

    /// <summary>Adds the words of a name such as "project id".</summary>
    public int[] AddAll(string words, WordRoles roles) => [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => Add(word, roles))];

    /// <summary>The number of a word as it is written in a sentence, or <see cref="Unknown"/>.</summary>
    public int Find(ReadOnlySpan<char> word)
    {
        if (!Ascii.IsValid(word))
        {
            return _ids.GetValueOrDefault(Folding.Fold(word), Unknown);
        }
        if (word.Length > 64)
        {
            return Unknown;
        }
        Span<char> lower = stackalloc char[word.Length];
        Ascii.ToLower(word, lower, out _);
        return _ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(lower, out var id) ? id : Unknown;
    }

    /// <summary>What a word may do; nothing when it is not known.</summary>
    public WordRoles RolesOf(int word) => word == Unknown ? WordRoles.None : _roles[word];

    private void Add(string[] words, WordRoles roles)
    {
        foreach (var word in words)
        {
            Add(word, roles);
        }
    }
}
