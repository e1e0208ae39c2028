using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>What a log says of runs: by which span each was started, where it stands, and that nothing comes after its end (contract, section 7).</summary>
internal sealed class RunHistory
{
    private const long Exited = 4;

    private static readonly Dictionary<string, long> States = new()
    {
        ["run_state.pending"] = 1, ["deploy.applied"] = 2, ["run_state.running"] = 3, ["run_state.exited"] = Exited, ["run_state.failed"] = 5, ["run_state.cancelled"] = 6,
    };

    private readonly ExpectedTable _runs = new("runs", 1, "run_id", "tenant", "env", "intent", "subject", "span", "created", "state");

    public ExpectedTable Table => _runs;

    /// <summary>Changes what a span changes.</summary>
    /// <returns>Null, or why it cannot be.</returns>
    public string? Apply(AuditedEntry entry, AuditedSpan? span, bool isOwn)
    {
        if (isOwn && span is not null && States.TryGetValue(span.Intent!, out var state))
        {
            return Move(entry, span, state);
        }
        if (isOwn || entry.RunId is null)
        {
            return null;
        }
        if (_runs.Find(entry.RunId) is { } known)
        {
            return known[1] as string == entry.Entry.Tenant ? null : $"it is about the run {entry.RunId} of another tenant";
        }
        _runs.TryAdd(
            entry.RunId, entry.Entry.Tenant, entry.Entry.Env, span?.Intent ?? ExpectedTable.Anything, span?.Subject ?? ExpectedTable.Anything, entry.Entry.This,
            entry.ReceivedAt, 0L);
        return null;
    }

    /// <summary>What is known of an entry about a run that is not kept: that the run is there. Where it stands is the row's word, until an entry that is kept says more.</summary>
    public string? ApplyPruned(AuditedEntry entry)
    {
        if (entry.RunId is null)
        {
            return null;
        }
        if (_runs.Find(entry.RunId) is { } known)
        {
            known[7] = ExpectedTable.Anything;
            return known[1] as string == entry.Tenant ? null : $"it is about the run {entry.RunId} of another tenant";
        }
        _runs.TryAdd(entry.RunId, entry.Tenant, ExpectedTable.Anything, ExpectedTable.Anything, ExpectedTable.Anything, entry.This, ExpectedTable.Anything, ExpectedTable.Anything);
        return null;
    }

    private string? Move(AuditedEntry entry, AuditedSpan span, long state)
    {
        if (span.Payload.Text("run_id") is not { } id || id != entry.RunId)
        {
            return $"the row says that it is about the run {entry.RunId ?? "(none)"}, the span that it is about {span.Payload.Text("run_id")}";
        }
        if (_runs.Find(id) is not { } run || run[1] as string != entry.Entry.Tenant)
        {
            return $"it is about the run {id}, which no span of this tenant started";
        }
        if (run[7] is >= Exited)
        {
            return $"the run {id} had ended already";
        }
        run[7] = state;
        return null;
    }
}
