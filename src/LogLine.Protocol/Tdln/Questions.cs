using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// Sentences that ask instead of want: "status de urn:minicontainer:vv/web". They are answered with the request to make; nothing is written. A question ends in exactly
/// one name of something: a subject, a ref, a run or a span.
/// </summary>
internal sealed class Questions
{
    private enum About
    {
        State,
        History,
        Logs,
        Receipt,
    }

    private static readonly (About About, TdlnLanguage Language, string[] Openings)[] Openings =
    [
        (About.State, TdlnLanguage.English,
        [
            "status", "state", "status of", "state of", "what is the status of", "what is the state of", "how is", "show", "show me", "show status of",
            "show me the status of", "get",
        ]),
        (About.State, TdlnLanguage.Portuguese,
        [
            "status de", "status do", "status da", "estado", "estado de", "estado do", "estado da", "situação de", "situação do", "situação da",
            "qual o status de", "qual é o status de", "qual o estado de", "qual é o estado de", "como está", "como vai", "mostrar", "mostre", "mostra", "ver", "consultar",
        ]),
        (About.History, TdlnLanguage.English, ["history", "history of", "show history of", "spans of", "list spans of"]),
        (About.History, TdlnLanguage.Portuguese, ["histórico", "histórico de", "história de", "spans de", "listar spans de"]),
        (About.Logs, TdlnLanguage.English, ["logs", "logs of", "log of", "show logs of"]),
        (About.Logs, TdlnLanguage.Portuguese, ["logs de", "logs do", "logs da", "ver logs de", "mostrar logs de"]),
        (About.Receipt, TdlnLanguage.English, ["receipt", "receipt of", "receipt for", "get receipt of"]),
        (About.Receipt, TdlnLanguage.Portuguese, ["recibo", "recibo de", "recibo do", "ver recibo de"]),
    ];

    private readonly List<(int[] Words, About About, TdlnLanguage Language)> _openings = [];

    public Questions(Vocabulary vocabulary)
    {
        foreach (var (about, language, openings) in Openings)
        {
            var role = language == TdlnLanguage.Portuguese ? WordRoles.Portuguese : WordRoles.English;
            foreach (var opening in openings)
            {
                _openings.Add((vocabulary.AddAll(opening, role), about, language));
            }
        }
    }

    /// <summary>The request that a question stands for, or null when the text is none.</summary>
    /// <param name="sentence">The text.</param>
    /// <param name="at">Its first token after courtesy.</param>
    public TdlnResult.Question? Find(Sentence sentence, int at)
    {
        foreach (var (words, about, language) in _openings)
        {
            var next = at + words.Length;
            if (Matches(sentence, at, words) && IsLast(sentence, next) && Answer(about, sentence.Value(next, next + 1).Text, language) is { } query)
            {
                return query;
            }
        }
        return null;
    }

    private static TdlnResult.Question? Answer(About about, string name, TdlnLanguage language)
    {
        var subject = MiniContainerRef.TryParse(name, out var reference) ? reference.Subject : name;
        var isSpan = name.StartsWith("urn:span:", StringComparison.Ordinal);
        var isRun = Identifiers.IsRunId(name);
        var isSubject = !isSpan && Identifiers.TryParseSubject(subject, out var kind, out var rest, out _) && kind.Length > 0 && rest.Length > 0;
        var escaped = Uri.EscapeDataString(name);
        TdlnResult.Question Get(string path) => new(language, "GET", path, null);
        return about switch
        {
            About.State when isRun => Get("/v1/runs/" + escaped),
            About.State when isSpan => Get("/v1/spans/" + escaped),
            About.State when isSubject => Get("/v1/state/view?subject=" + Uri.EscapeDataString(subject)),
            About.History when isSubject => Spans("subject", subject, language),
            About.History when isRun => Spans("run_id", name, language),
            About.Logs when isRun => Get($"/v1/runs/{escaped}/logs"),
            About.Receipt when isSpan => Get($"/v1/spans/{escaped}/receipt"),
            _ => null,
        };
    }

    private static TdlnResult.Question Spans(string filter, string value, TdlnLanguage language) => new(language, "POST", "/v1/spans/query", CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString(filter, value);
        json.WriteEndObject();
    }));

    /// <summary>True when the token is a word and nothing but thanks follows.</summary>
    private static bool IsLast(Sentence sentence, int at)
    {
        if (sentence.IsBreak(at))
        {
            return false;
        }
        for (var i = at + 1; i < sentence.Count; i++)
        {
            if (!sentence.IsBreak(i) && !sentence.Has(i, WordRoles.Thanks) && !sentence.Has(i, WordRoles.Courtesy))
            {
                return false;
            }
        }
        return true;
    }

    private static bool Matches(Sentence sentence, int at, int[] words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (at + i >= sentence.Count || sentence[at + i].Word != words[i])
            {
                return false;
            }
        }
        return true;
    }
}
