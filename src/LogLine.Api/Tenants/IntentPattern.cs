namespace LogLine.Api.Tenants;

/// <summary><c>*</c>, an intent, or a family of intents: <c>deploy.*</c>.</summary>
public static class IntentPattern
{
    /// <summary>True when the pattern holds the intent.</summary>
    public static bool Covers(string pattern, string intent) =>
        pattern == "*" || pattern == intent
        || (pattern.EndsWith(".*", StringComparison.Ordinal) && intent.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal));

    /// <summary>True when everything that <paramref name="inner"/> holds is held by <paramref name="outer"/> too.</summary>
    public static bool Contains(string outer, string inner) =>
        outer == "*" || outer == inner
        || (outer.EndsWith(".*", StringComparison.Ordinal) && inner.StartsWith(outer.AsSpan(0, outer.Length - 1), StringComparison.Ordinal));
}
