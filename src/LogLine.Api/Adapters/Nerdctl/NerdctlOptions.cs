namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>Which program is called, section <c>LogLine:Engines:Nerdctl</c>.</summary>
public sealed class NerdctlOptions
{
    /// <summary>Name in PATH, or a path; any that takes nerdctl's verbs, so <c>podman</c> as well.</summary>
    public string Binary { get; set; } = "nerdctl";

    /// <summary>What stands before every verb, for example <c>--namespace</c> and its value.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];
}
