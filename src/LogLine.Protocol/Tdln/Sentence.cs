using System.Buffers;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tdln;

/// <summary>What a token is.</summary>
internal enum SentenceTokenKind
{
    /// <summary>Characters between white space.</summary>
    Word,

    /// <summary>What stands between quotation marks, taken as it is.</summary>
    Quoted,

    /// <summary>":" or "=" after a word.</summary>
    Assign,

    /// <summary>Comma, semicolon, line break.</summary>
    Separator,
}

/// <summary>A piece of the text. <paramref name="Start"/> and <paramref name="End"/> are where it is written, marks included.</summary>
internal readonly record struct SentenceToken(SentenceTokenKind Kind, int Start, int End, int Word);

/// <summary>
/// A paragraph as tokens. Values are cut out of the text by position, so that a border of tokens inside a value ("a:b") changes nothing in it. One pass; each
/// character is looked at a bounded number of times, apart from the search for a closing quotation mark, which is a vector scan.
/// </summary>
internal sealed class Sentence
{
    private static readonly SearchValues<char> SentenceMarks = SearchValues.Create(".!?…");
    private readonly Vocabulary _vocabulary;
    private readonly List<SentenceToken> _tokens = new(64);
    private readonly List<(int Start, int End)> _altered;
    private string _neverClosed = "";

    private Sentence(string text, List<(int Start, int End)> altered, Vocabulary vocabulary) => (Text, _altered, _vocabulary) = (text, altered, vocabulary);

    /// <summary>The text, in NFC.</summary>
    public string Text { get; }

    /// <summary>Number of tokens.</summary>
    public int Count => _tokens.Count;

    /// <summary>The token at a place.</summary>
    public SentenceToken this[int index] => _tokens[index];

    /// <summary>Takes a text apart.</summary>
    /// <param name="text">In NFC.</param>
    /// <param name="given">As it was sent, where that was in another form; else null.</param>
    /// <param name="vocabulary">The words that are known.</param>
    public static Sentence Read(string text, string? given, Vocabulary vocabulary)
    {
        var sentence = new Sentence(text, given is null ? [] : NormalForm.AlteredIn(given), vocabulary);
        var at = 0;
        while (at < text.Length)
        {
            at = sentence.ReadToken(at);
        }
        return sentence;
    }

    /// <summary>True for a word that may do what <paramref name="role"/> says.</summary>
    public bool Has(int index, WordRoles role) => index < Count && (_vocabulary.RolesOf(_tokens[index].Word) & role) != 0;

    /// <summary>True at the end and where a comma, semicolon or line break stands.</summary>
    public bool IsBreak(int index) => index >= Count || _tokens[index].Kind == SentenceTokenKind.Separator;

    /// <summary>True for ":" and "=".</summary>
    public bool IsAssign(int index) => index < Count && _tokens[index].Kind == SentenceTokenKind.Assign;

    /// <summary>What is written from one token to before another.</summary>
    public string Slice(int start, int end) => start >= end ? "" : Text[_tokens[start].Start.._tokens[end - 1].End];

    /// <summary>The value that some tokens write: what is inside the marks if it is one quoted piece.</summary>
    public Written Value(int start, int end)
    {
        if (end == start + 1 && _tokens[start].Kind == SentenceTokenKind.Quoted)
        {
            return new Written(Text[(_tokens[start].Start + 1)..(_tokens[start].End - 1)], Quoted: true);
        }
        return new Written(Slice(start, end), Quoted: false);
    }

    /// <summary>True when something of what some tokens write was sent in another form than NFC.</summary>
    public bool IsAltered(int start, int end) => start < end && _altered.Exists(piece => piece.Start < _tokens[end - 1].End && piece.End > _tokens[start].Start);

    /// <summary>Each token of some as a value of its own.</summary>
    public IEnumerable<Written> Pieces(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            if (!Has(i, WordRoles.Link) && _tokens[i].Kind is SentenceTokenKind.Word or SentenceTokenKind.Quoted)
            {
                yield return Value(i, i + 1);
            }
        }
    }

    private int ReadToken(int at)
    {
        var c = Text[at];
        if (IsSeparator(c))
        {
            _tokens.Add(new SentenceToken(SentenceTokenKind.Separator, at, at + 1, Vocabulary.Unknown));
            return at + 1;
        }
        if (IsSpace(c))
        {
            return at + 1;
        }
        if (c is ':' or '=')
        {
            _tokens.Add(new SentenceToken(SentenceTokenKind.Assign, at, at + 1, Vocabulary.Unknown));
            return at + 1;
        }
        var close = ClosingMark(at);
        if (close > 0)
        {
            _tokens.Add(new SentenceToken(SentenceTokenKind.Quoted, at, close + 1, Vocabulary.Unknown));
            return close + 1;
        }
        return ReadWord(at);
    }

    private int ReadWord(int start)
    {
        var end = start;
        var assign = -1;
        while (end < Text.Length && !IsSpace(Text[end]) && !IsSeparator(Text[end]))
        {
            if (assign < 0 && end > start && Text[end] is ':' or '=')
            {
                assign = end;
                if ((_vocabulary.RolesOf(_vocabulary.Find(Text.AsSpan(start, end - start))) & WordRoles.FieldName) != 0)
                {
                    AddWord(start, end);
                    return end;
                }
            }
            end++;
        }
        // "cpf: 123": the sign ends the word, known or not.
        if (end - start > 1 && Text[end - 1] is ':' or '=')
        {
            AddWord(start, end - 1);
            return end - 1;
        }
        // A full stop ends the sentence, not the word; one that is nothing but stops says nothing.
        var word = Text.AsSpan(start, end - start);
        var last = word.LastIndexOfAnyExcept(SentenceMarks);
        if (last >= 0)
        {
            AddWord(start, start + last + 1);
        }
        return end;
    }

    private void AddWord(int start, int end) =>
        _tokens.Add(new SentenceToken(SentenceTokenKind.Word, start, end, _vocabulary.Find(Text.AsSpan(start, end - start))));

    /// <summary>Where the quotation that begins here ends, or −1 when none begins or none ends.</summary>
    private int ClosingMark(int at)
    {
        var mark = Text[at] switch
        {
            '"' => '"',
            '“' => '”',
            '«' => '»',
            '‘' => '’',
            '`' => '`',
            '\'' => '\'',
            _ => '\0',
        };
        // Whether a mark is ever closed does not depend on where it was opened: a text of opening marks is searched once.
        if (mark == '\0' || _neverClosed.Contains(mark))
        {
            return -1;
        }
        var close = Text.IndexOf(mark, at + 1);
        // An apostrophe inside a word closes nothing.
        while (mark is '\'' or '’' && close > 0 && close + 1 < Text.Length && char.IsLetterOrDigit(Text[close + 1]))
        {
            close = Text.IndexOf(mark, close + 1);
        }
        if (close < 0)
        {
            _neverClosed += mark;
        }
        return close;
    }

    private static bool IsSeparator(char c) => c is ',' or ';' or '\n' or '\r' or '\u2028' or '\u2029';

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || char.IsControl(c) || c is '\u200b' or '\ufeff';
}

/// <summary>A value as it was written.</summary>
/// <param name="Text">Its text, without quotation marks around the whole.</param>
/// <param name="Quoted">Whether such marks were there: then it is taken letter by letter.</param>
internal readonly record struct Written(string Text, bool Quoted);
