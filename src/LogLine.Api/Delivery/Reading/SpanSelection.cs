using LogLine.Api.Ledger;
using LogLine.Api.Tenants;

namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// Which spans a reader wants. The same rule in two forms: <see cref="Filter"/> for the store, which has indexes, and <see cref="Matches"/> for what is
/// in memory already.
/// </summary>
/// <param name="Filter">Tenant, subject, run, one intent or prefix.</param>
/// <param name="Patterns">Patterns of intents (<c>deploy.*</c>), one of which must hold; none means any.</param>
internal sealed record SpanSelection(SpanFilter Filter, IReadOnlyList<string> Patterns)
{
    /// <summary>What the filter lets through.</summary>
    public SpanSelection(SpanFilter filter) : this(filter, [])
    {
    }

    /// <summary>True when an item of the filter's tenant is wanted.</summary>
    public bool Matches(LogItem item) =>
        (Filter.Subject is null || Filter.Subject == item.Subject)
        && (Filter.RunId is null || Filter.RunId == item.RunId)
        && (Filter.Intent is null || Filter.Intent == item.Intent)
        && (Filter.IntentPrefix is null || item.Intent.StartsWith(Filter.IntentPrefix, StringComparison.Ordinal))
        && MatchesPatterns(item);

    /// <summary>What the store's filter cannot say.</summary>
    public bool MatchesPatterns(LogItem item) => Patterns.Count == 0 || Patterns.Any(pattern => IntentPattern.Covers(pattern, item.Intent));
}
