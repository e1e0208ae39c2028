namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// What the gate asks of every span, asked for many at once: while one statement is on its way, whoever comes waits, and all who wait go together with the next one. So
/// the more ask, the less each costs, as in the writer; one who asks alone does not wait.
/// </summary>
/// <typeparam name="TRow">What is found.</typeparam>
/// <param name="read">Asks for several names; what there is of them.</param>
internal sealed class PostgresLookup<TRow>(Func<string[], string[], ValueTask<List<(string Tenant, string Name, TRow Row)>>> read)
{
    private const int Most = 512;
    private readonly Lock _lock = new();
    private List<Waiting> _next = [];
    private bool _isReading;

    /// <summary>The row of that name as it is committed now, or the type's default.</summary>
    public Task<TRow?> FindAsync(string tenant, string name)
    {
        var waiting = new Waiting(tenant, name);
        lock (_lock)
        {
            _next.Add(waiting);
            if (_isReading)
            {
                return waiting.Found.Task;
            }
            _isReading = true;
        }
        _ = ReadAsync();
        return waiting.Found.Task;
    }

    private async Task ReadAsync()
    {
        for (var asked = Take(); asked.Count > 0; asked = await TakeNextAsync(asked.Count))
        {
            try
            {
                var found = await read([.. asked.Select(one => one.Tenant)], [.. asked.Select(one => one.Name)]);
                var rows = found.DistinctBy(row => (row.Tenant, row.Name)).ToDictionary(row => (row.Tenant, row.Name), row => row.Row); // two may have asked for the same
                asked.ForEach(one => one.Found.SetResult(rows.GetValueOrDefault((one.Tenant, one.Name))));
            }
            catch (Exception defect)
            {
                asked.ForEach(one => one.Found.TrySetException(defect));
            }
        }
    }

    /// <summary>Behind a group of several, requests that are ready to run come first, and into the same statement, as in <see cref="LedgerWriter"/>.</summary>
    private async ValueTask<List<Waiting>> TakeNextAsync(int last)
    {
        if (last > 1)
        {
            await Task.Yield();
        }
        return Take();
    }

    private List<Waiting> Take()
    {
        lock (_lock)
        {
            var taken = _next;
            _next = [];
            if (taken.Count > Most)
            {
                _next.AddRange(taken.Skip(Most));
                taken.RemoveRange(Most, taken.Count - Most);
            }
            _isReading = taken.Count > 0;
            return taken;
        }
    }

    private sealed record Waiting(string Tenant, string Name)
    {
        // Whoever waits goes on by itself: the next statement does not wait for it.
        public TaskCompletionSource<TRow?> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
