using LogLine.Api.Delivery.Reading;
using LogLine.Api.Ledger;

namespace LogLine.Api.Delivery.State;

/// <summary>
/// Present states of subjects, folded from the log when they are asked for. A subject with few spans is folded anew every time; the states of longer ones
/// are kept, the ones that were asked for last, and folded on from where they stand. One request folds a bounded number of spans: the rest is for the next.
/// </summary>
internal sealed class StateViews
{
    /// <summary>Spans that one request folds at most.</summary>
    public const int SpansAtOnce = 10_000;

    private const int PageSize = 500;
    private const int KeepFrom = 1_000;
    private const int Keep = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<SpanFilter, LinkedListNode<KeptState>> _kept = [];
    private readonly LinkedList<KeptState> _recent = [];
    private readonly SpanLedger _ledger;
    private readonly StateRules _rules;
    private int _erasures;

    public StateViews(SpanLedger ledger, StateRules rules)
    {
        (_ledger, _rules) = (ledger, rules);
        ledger.Committed += ForgetErased;
    }

    /// <summary>Folds what there is and hands the state to <paramref name="use"/>, which alone has it meanwhile.</summary>
    public async Task UseAsync(string tenant, string subject, Func<SubjectState, Task> use)
    {
        var filter = new SpanFilter(tenant, subject);
        if (Find(filter) is { } kept)
        {
            await kept.Turn.WaitAsync();
            try
            {
                await FoldAsync(filter, kept.State);
                await use(kept.State);
            }
            finally
            {
                kept.Turn.Release();
            }
            return;
        }
        var erasures = Volatile.Read(ref _erasures);
        var state = new SubjectState(_rules);
        await FoldAsync(filter, state);
        await use(state);
        if (state.Spans >= KeepFrom)
        {
            Remember(new KeptState(filter, state), erasures);
        }
    }

    private async ValueTask FoldAsync(SpanFilter filter, SubjectState state)
    {
        var selection = new SpanSelection(filter);
        for (var folded = 0; folded < SpansAtOnce; folded += PageSize)
        {
            var (items, next) = await SpanReader.ReadAsync(_ledger.Store, selection, state.Next, PageSize, ILedgerStore.PageBytes);
            foreach (var item in items.Where(item => !item.IsErased))
            {
                state.Apply(item);
            }
            (state.Next, state.Complete) = (next, items.Count < PageSize && items.Sum(item => item.Stored.Bytes) < ILedgerStore.PageBytes);
            if (state.Complete)
            {
                return;
            }
        }
    }

    private KeptState? Find(SpanFilter filter)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(filter, out var node))
            {
                return null;
            }
            _recent.Remove(node);
            _recent.AddLast(node);
            return node.Value;
        }
    }

    /// <summary>A state that was folded from what is erased now is folded anew when it is asked for again.</summary>
    private void ForgetErased(CommittedBatch batch)
    {
        if (batch.Touched.Any(touched => touched.Kind is TouchedKind.Span or TouchedKind.Minimum))
        {
            lock (_lock)
            {
                _erasures++;
                _kept.Clear();
                _recent.Clear();
            }
        }
    }

    private void Remember(KeptState state, int erasures)
    {
        lock (_lock)
        {
            if (erasures != _erasures || _kept.ContainsKey(state.Filter))
            {
                return; // folded from what is gone; or another request was as slow, and first
            }
            _kept.Add(state.Filter, _recent.AddLast(state));
            if (_recent.Count > Keep)
            {
                _kept.Remove(_recent.First!.Value.Filter);
                _recent.RemoveFirst();
            }
        }
    }

    private sealed record KeptState(SpanFilter Filter, SubjectState State)
    {
        /// <summary>One at a time folds it on.</summary>
        public SemaphoreSlim Turn { get; } = new(1, 1);
    }
}
