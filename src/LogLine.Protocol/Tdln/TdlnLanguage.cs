namespace LogLine.Protocol.Tdln;

/// <summary>Languages of the grammar. Which one a text is in follows from its words; where nothing decides it is English.</summary>
public enum TdlnLanguage
{
    /// <summary><c>en</c></summary>
    English,

    /// <summary><c>pt</c></summary>
    Portuguese,
}

/// <summary>A text in both languages.</summary>
internal readonly record struct Bilingual(string English, string Portuguese)
{
    /// <summary>The text in one of them.</summary>
    public string In(TdlnLanguage language) => language == TdlnLanguage.Portuguese ? Portuguese : English;
}
