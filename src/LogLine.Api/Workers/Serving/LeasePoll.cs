using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;

namespace LogLine.Api.Workers.Serving;

/// <summary>What a worker asks for.</summary>
/// <param name="Limit">Runs that it takes at most.</param>
/// <param name="Held">The runs that it has, and where each stands as far as it knows (<see cref="WorkerWire.Version"/>).</param>
/// <param name="Refused">Runs that it was given and does not carry out: they are free for others once their leases have run out.</param>
/// <param name="Wait">How long it waits when there is nothing.</param>
internal sealed record LeaseWish(int Limit, IReadOnlyDictionary<string, string> Held, IReadOnlyList<string> Refused, TimeSpan Wait);

/// <summary>
/// One long poll: waits until there is a run for the worker, a change of one that it has, a question, or something moved that one of its runs may wait for.
/// </summary>
internal sealed class LeasePoll(RunDesk desk, WorkOrders orders, WorkerLeases leases, TimeProvider time)
{
    private const int MostRuns = 16;

    /// <summary>What does not concern a run of the worker itself is told this often at most.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromSeconds(1);

    /// <summary>Writes the answer: <c>{runs[], changed[], lost[], questions[]}</c>.</summary>
    public async Task<byte[]> AnswerAsync(ConnectedWorker worker, LeaseWish wish, CancellationToken cancel)
    {
        using var changes = new RunChanges(desk.Ledger);
        var since = time.GetTimestamp();
        var (changed, lost) = await LookAsync(worker, wish, wish.Held.Keys);
        var moved = false;
        foreach (var shown in wish.Held.Keys.Concat(wish.Refused))
        {
            worker.Given.TryRemove(shown, out _);
        }
        while (true)
        {
            var next = changes.Next;
            var runs = wish.Limit > 0 && !cancel.IsCancellationRequested ? await LeaseAsync(worker, wish) : [];
            var questions = Questions(worker);
            var elapsed = time.GetElapsedTime(since);
            if (runs.Count + changed.Count + lost.Count + questions.Count > 0 || elapsed >= wish.Wait || cancel.IsCancellationRequested || (moved && elapsed >= Gather))
            {
                return Write(runs, changed, lost, questions);
            }
            await WaitAsync(next, worker, moved ? Gather - elapsed : Min(wish.Wait - elapsed, leases.Life / 3), cancel);
            var touched = changes.Take();
            (changed, lost) = await LookAsync(worker, wish, touched.Where(wish.Held.ContainsKey));
            moved |= touched.Count > 0;
        }
    }

    private async Task<List<WorkOrder>> LeaseAsync(ConnectedWorker worker, LeaseWish wish)
    {
        var given = new List<RunRow>();
        foreach (var runId in worker.Given.Keys)
        {
            // Given before, and not shown to be there: the answer was lost.
            if (await desk.FindAsync(runId) is { HasEnded: false } run && run.LeaseOwner == worker.Id)
            {
                given.Add(run);
            }
            else
            {
                worker.Given.TryRemove(runId, out _);
            }
        }
        given.AddRange(await desk.LeaseAsync(worker.Id, worker.Reach, Math.Min(wish.Limit, MostRuns), leases.Life));
        var found = new List<WorkOrder>();
        foreach (var run in given)
        {
            worker.Given[run.RunId] = 0;
            if (await orders.OfAsync(run, Kid(worker)) is { } order)
            {
                found.Add(order);
            }
        }
        return found;
    }

    private async Task<(List<RunRow> Changed, List<string> Lost)> LookAsync(ConnectedWorker worker, LeaseWish wish, IEnumerable<string> runs)
    {
        var (changed, lost) = (new List<RunRow>(), new List<string>());
        foreach (var runId in runs)
        {
            if (await desk.FindAsync(runId) is not { } run || (!run.HasEnded && run.LeaseOwner != worker.Id))
            {
                lost.Add(runId);
            }
            else if (WorkerWire.Version(run) != wish.Held[runId])
            {
                changed.Add(run);
            }
        }
        return (changed, lost);
    }

    private static List<Question> Questions(ConnectedWorker worker)
    {
        var questions = new List<Question>();
        while (worker.Questions.Reader.TryRead(out var question))
        {
            questions.Add(question);
        }
        return questions;
    }

    private async Task WaitAsync(Task next, ConnectedWorker worker, TimeSpan patience, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var asked = worker.Questions.Reader.WaitToReadAsync(over.Token).AsTask();
        await Task.WhenAny(next, asked, Task.Delay(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time, over.Token));
        await over.CancelAsync();
    }

    private static byte[] Write(List<WorkOrder> runs, List<RunRow> changed, List<string> lost, List<Question> questions) => WorkerWire.Object(json =>
    {
        json.WriteStartArray("runs");
        runs.ForEach(order => order.WriteTo(json));
        json.WriteEndArray();
        json.WriteStartArray("changed");
        changed.ForEach(run => WorkerWire.WriteRun(json, run));
        json.WriteEndArray();
        WorkerWire.WriteTexts(json, "lost", lost);
        json.WriteStartArray("questions");
        questions.ForEach(question => json.WriteRawValue(question.Body, skipInputValidation: true));
        json.WriteEndArray();
    });

    private static string Kid(ConnectedWorker worker) => worker.Id[..worker.Id.IndexOf('/')];

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}

/// <summary>The runs that commits have touched since somebody last looked.</summary>
internal sealed class RunChanges : IDisposable
{
    private readonly SpanLedger _ledger;
    private readonly Lock _lock = new();
    private HashSet<string> _touched = [];
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Listens from now on.</summary>
    public RunChanges(SpanLedger ledger)
    {
        _ledger = ledger;
        ledger.Committed += Note;
    }

    /// <summary>Completes when something is touched.</summary>
    public Task Next
    {
        get
        {
            lock (_lock)
            {
                return _next.Task;
            }
        }
    }

    /// <summary>What was touched, each once.</summary>
    public IReadOnlyCollection<string> Take()
    {
        lock (_lock)
        {
            (var taken, _touched) = (_touched, []);
            if (_next.Task.IsCompleted)
            {
                _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            return taken;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ledger.Committed -= Note;

    private void Note(CommittedBatch batch)
    {
        lock (_lock)
        {
            foreach (var touched in batch.Touched)
            {
                if (touched.Kind == TouchedKind.Run)
                {
                    _touched.Add(touched.Id);
                    _next.TrySetResult();
                }
            }
        }
    }
}
