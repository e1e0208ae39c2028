namespace LogLine.Protocol.Tdln;

/// <summary>
/// Words of the two languages that carry no intent. Each set says where its words may be passed over; anywhere else a word that is not
/// understood is reported, never dropped ("do not deploy …" must not deploy).
/// </summary>
internal static class FunctionWords
{
    /// <summary>Before the phrase: "por favor, quero …", "could you please …".</summary>
    public static readonly string[] CourtesyEnglish =
    [
        "please", "pls", "kindly", "i", "we", "you", "want", "wish", "need", "would", "like", "to", "can", "could", "may", "let's",
        "lets", "us", "me", "i'd", "hello", "hi", "hey", "now", "just", "ok", "okay",
    ];

    /// <summary>Before the phrase, in Portuguese.</summary>
    public static readonly string[] CourtesyPortuguese =
    [
        "por", "favor", "quero", "queria", "queremos", "gostaria", "gostava", "de", "preciso", "precisamos", "pode", "podes",
        "poderia", "podia", "desejo", "eu", "nos", "vou", "vamos", "me", "ola", "oi", "agora", "ok",
    ];

    /// <summary>After a value: "…, por favor", "… please".</summary>
    public static readonly string[] ThanksEnglish = ["please", "pls", "thanks", "now"];

    /// <summary>After a value, in Portuguese.</summary>
    public static readonly string[] ThanksPortuguese = ["favor", "obrigado", "obrigada", "agora"];

    /// <summary>Before a word of a phrase: "create <em>a new</em> person".</summary>
    public static readonly string[] ArticlesEnglish = ["a", "an", "the", "new", "my", "our", "this"];

    /// <summary>Before a word of a phrase, in Portuguese.</summary>
    public static readonly string[] ArticlesPortuguese = ["o", "a", "os", "as", "um", "uma", "novo", "nova", "meu", "minha", "este", "esta"];

    /// <summary>Before the name of a field: "… <em>and with</em> email x".</summary>
    public static readonly string[] LinksEnglish =
    [
        "and", "with", "in", "on", "at", "as", "to", "for", "using", "the", "a", "an", "by", "its", "his", "her", "whose", "-", "*", "•", "–", "&", "+",
    ];

    /// <summary>Before the name of a field, in Portuguese.</summary>
    public static readonly string[] LinksPortuguese = ["e", "com", "no", "na", "em", "ao", "para", "pra", "como", "usando", "o", "a", "os", "as", "de", "do", "da", "por", "pelo", "pela", "cujo", "cuja", "seu", "sua"];

    /// <summary>What stands for a thing and names none: "criar algo", "create something".</summary>
    public static readonly string[] IndefiniteEnglish = ["something", "anything", "everything", "someone", "somebody", "it", "this", "that", "stuff"];

    /// <summary>What stands for a thing and names none, in Portuguese.</summary>
    public static readonly string[] IndefinitePortuguese = ["algo", "alguem", "alguma", "algum", "coisa", "qualquer", "isso", "isto", "tudo"];

    /// <summary>Tell the language apart and do nothing else.</summary>
    public static readonly string[] OnlyEnglish = ["what", "is", "are", "not", "do", "don't", "how", "which", "make", "show", "give", "the", "of", "from", "all", "every"];

    /// <summary>Tell the language apart and do nothing else, in Portuguese.</summary>
    public static readonly string[] OnlyPortuguese = ["que", "sao", "nao", "fazer", "faz", "qual", "quais", "mostrar", "mostra", "dar", "todos", "todas", "um", "uma", "ver", "esta", "é"];
}
