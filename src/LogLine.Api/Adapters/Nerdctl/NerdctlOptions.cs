namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>Which program is called, section <c>LogLine:Engines:Nerdctl</c>.</summary>
public sealed class NerdctlOptions
{
    /// <summary>Name in PATH, or a path; any that takes nerdctl's verbs, so <c>podman</c> as well. Left out: <c>nerdctl</c>, if it is there.</summary>
    public string? Binary { get; set; }

    /// <summary>What stands before every verb, for example <c>--namespace</c> and its value.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>What is called: the same for two names of one engine.</summary>
    internal string Place => string.Join('\0', [Binary ?? NerdctlEngine.Provider, .. Arguments]);

    /// <summary>True when the operator speaks of it, and so wants it to be there.</summary>
    public bool IsAskedFor => Binary is not null || Arguments.Count > 0;
}
