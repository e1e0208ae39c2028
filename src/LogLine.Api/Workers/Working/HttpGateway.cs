using System.Collections.Concurrent;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// The gateway of a worker in a process of its own. One long poll per gateway brings runs, changes and questions; everything else is a request. Rows of runs that are held are kept here and follow the polls;
/// what is asked about other runs is asked each time.
/// </summary>
internal sealed class HttpGateway : IRunGateway, IDisposable
{
    private const int MostAtOnce = 1000;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly GatewayConnection _connection;
    private readonly WorkerIdentity _identity;
    private readonly OrderCheck _check;
    private readonly ServerPin _pin;
    private readonly Func<IReadOnlyList<(string Provider, IEnumerable<string> Effects)>> _targets;
    private readonly AnsweredLooks _looks;
    private readonly TimeProvider _time;
    private readonly ILogger<HttpGateway> _logger;
    private readonly ConcurrentDictionary<string, VerifiedOrder> _orders = new();
    private readonly ConcurrentDictionary<string, byte> _lost = new();
    private readonly ConcurrentDictionary<string, long> _renewed = new();
    private readonly ConcurrentDictionary<(Uri Gateway, string RunId), byte> _refused = new();
    private readonly ConcurrentQueue<VerifiedOrder> _leased = new();
    private readonly RunSignals _signals = new();
    private readonly CancellationTokenSource _closing = new();
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyCollection<string> _held = [];
    private int _limit = int.MaxValue;
    private long _maxArtifactBytes;
    private long _seen;

    /// <summary>Connects to nothing yet.</summary>
    public HttpGateway(
        GatewayConnection connection, WorkerIdentity identity, OrderCheck check, ServerPin pin, Func<IReadOnlyList<(string Provider, IEnumerable<string> Effects)>> targets, AnsweredLooks looks, TimeProvider time, ILogger<HttpGateway> logger) =>
        (_connection, _identity, _check, _pin, _targets, _looks, _time, _logger) = (connection, identity, check, pin, targets, looks, time, logger);

    /// <summary>Takes a question of a gateway.</summary>
    public Action<Uri, JsonElement> Asked { get; set; } = (_, _) => { };

    /// <inheritdoc/>
    public string WorkerName => _identity.Name;

    /// <inheritdoc/>
    public TimeSpan LeaseLife { get; private set; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public Task Moved => Volatile.Read(ref _moved).Task;

    /// <summary>Every poll may bring news of any run: what is asked about a run that is held costs no request.</summary>
    public RunSignal Watch(string runId) => _signals.Watch(runId);

    /// <summary>Runs that it holds.</summary>
    public int Held => _held.Count;

    /// <summary>How long ago a gateway last answered; null before the first time.</summary>
    public TimeSpan? Silence => Volatile.Read(ref _seen) is var seen && seen == 0 ? null : _time.GetElapsedTime(seen);

    /// <inheritdoc/>
    public async Task OpenAsync(CancellationToken cancel)
    {
        await AnnounceAsync(null, fresh: true, cancel);
        foreach (var address in _connection.Addresses)
        {
            _ = PollAsync(address, _closing.Token);
        }
    }

    /// <inheritdoc/>
    public async Task CloseAsync()
    {
        await _closing.CancelAsync();
        foreach (var address in _connection.Addresses)
        {
            try
            {
                await _connection.TryAsync(address, HttpMethod.Post, "v1/workers", _identity.Announce(fresh: true, _time.GetUtcNow()).Utf8.ToArray(), LongestPause, CancellationToken.None);
                return;
            }
            catch (HttpRequestException away)
            {
                _logger.LogWarning("Leases are not given back, and run out by themselves: {Reason}", away.Message);
            }
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRow>> LeaseAsync(int limit, IReadOnlyCollection<string> held, CancellationToken cancel)
    {
        var taken = new List<RunRow>();
        while (taken.Count < limit && _leased.TryDequeue(out var order))
        {
            _orders[order.Run.RunId] = order;
            _lost.TryRemove(order.Run.RunId, out _);
            taken.Add(order.Run);
        }
        _held = [.. held, .. taken.Select(run => run.RunId)];
        Volatile.Write(ref _limit, limit - taken.Count);
        foreach (var known in _orders.Keys.Concat(_lost.Keys).Where(known => !_held.Contains(known)).ToList())
        {
            _orders.TryRemove(known, out _);
            _lost.TryRemove(known, out _);
            _renewed.TryRemove(known, out _);
        }
        return Task.FromResult<IReadOnlyList<RunRow>>(taken);
    }

    /// <inheritdoc/>
    public SeenWorkload? SeenOf(RunRow run) => _looks.SeenIn(run);

    /// <inheritdoc/>
    public async Task<IReadOnlyCollection<string>> RenewAsync(IReadOnlyCollection<string> runs, CancellationToken cancel)
    {
        if (runs.Count == 0)
        {
            return [];
        }
        HttpRequestException? away = null;
        foreach (var address in _connection.Addresses)
        {
            try
            {
                return HeldIn(await _connection.TryAsync(address, HttpMethod.Post, "v1/runs/leases", Runs(runs), LeaseLife / 3, cancel));
            }
            catch (HttpRequestException cut)
            {
                away = cut;
            }
        }
        throw new GatewayAwayException(away!.Message, away);
    }

    /// <inheritdoc/>
    public async Task<bool> HoldsAsync(string runId, CancellationToken cancel) =>
        // What was reported a moment ago renewed the lease when it was taken, which was later than it was sent: nobody else can have the run yet.
        (_renewed.TryGetValue(runId, out var sent) && _time.GetElapsedTime(sent) < LeaseLife / 3) || HeldIn(await _connection.SendAsync(HttpMethod.Post, "v1/runs/leases", Runs([runId]), cancel)).Contains(runId);

    /// <inheritdoc/>
    public async ValueTask<RunRow?> FindAsync(string runId) => _orders.TryGetValue(runId, out var known) ? known.Run : (await AskAsync(runId))?.Run;

    /// <inheritdoc/>
    public async ValueTask<SignedManifest> ManifestOfAsync(RunRow run) =>
        (_orders.TryGetValue(run.RunId, out var known) ? known : await AskAsync(run.RunId))?.Manifest ?? throw new InvalidOperationException($"{run.RunId} has no manifest.");

    /// <inheritdoc/>
    public async ValueTask<GrantEvidence> EvidenceOfAsync(RunRow run, SignedManifest manifest) => (await AskAsync(run.RunId))?.Evidence ?? throw new InvalidOperationException($"{run.RunId} is not there any more.");

    /// <inheritdoc/>
    public async Task<GrantEvidence> MaterialiseAsync(RunRow run, SignedManifest manifest, IReadOnlyList<string> grants, CancellationToken cancel)
    {
        var spans = grants.Select(grant => Sign(run, RunEvents.Materialise, json => GrantEvents.WriteWish(json, run, grant))).ToList();
        return await SayAsync(run.RunId, spans, null, cancel) is { Order: { } order } ? order.Evidence : throw new OperationCanceledException("The run is another worker's.");
    }

    /// <inheritdoc/>
    public async ValueTask<RunRow?> SuccessorOfAsync(RunRow run) => (await AskAsync(run.RunId))?.Successor;

    /// <inheritdoc/>
    public async ValueTask<bool> WasAskedToStopAsync(RunRow run) => (await AskAsync(run.RunId))?.AskedToStop ?? false;

    /// <inheritdoc/>
    public async ValueTask<string?> RestartOfAsync(RunRow run) => (await AskAsync(run.RunId))?.Restart;

    /// <inheritdoc/>
    public async ValueTask<bool> HasEndedAsync(RunRow run, string kind, string name) =>
        (await _connection.SendAsync(HttpMethod.Get, $"v1/runs/{run.RunId}/ended/{Uri.EscapeDataString(kind)}/{Uri.EscapeDataString(name)}", null, _closing.Token)).Body.Flag("ended") ?? false;

    /// <inheritdoc/>
    public async Task<bool> ReportAsync(string runId, IReadOnlyList<RunReport> reports, CancellationToken cancel)
    {
        if (await FindAsync(runId) is not { } run || !RunStates.AreLegal(run.State, reports.Select(report => report.State)))
        {
            return false;
        }
        var spans = reports.Select(report => Sign(run, RunStates.Intent(report.State)!, json => RunEvents.Write(json, run, report, _time.GetUtcNow()))).ToList();
        var sent = _time.GetTimestamp();
        var (isTaken, _) = await SayAsync(runId, spans, reports[^1].Result, cancel);
        if (isTaken && _orders.ContainsKey(runId))
        {
            _renewed[runId] = sent;
        }
        return isTaken;
    }

    /// <inheritdoc/>
    public Task RecordAsync(RunRow run, string intent, Action<Utf8JsonWriter> facts, CancellationToken cancel) => SayAsync(run.RunId, [Sign(run, intent, facts)], null, cancel);

    /// <inheritdoc/>
    public RunArtifacts ArtifactsOf(RunRow run) => new FetchedArtifacts(_connection, run.RunId, Volatile.Read(ref _maxArtifactBytes), _time);

    /// <inheritdoc/>
    public void Dispose() => _closing.Cancel();

    /// <summary>Says that the worker is there, to one gateway or to whichever is; goes on until one takes it.</summary>
    private async Task AnnounceAsync(Uri? address, bool fresh, CancellationToken cancel)
    {
        string? said = null;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var problem = "";
            foreach (var one in address is null ? _connection.Addresses : [address])
            {
                try
                {
                    var answer = await _connection.TryAsync(one, HttpMethod.Post, "v1/workers", _identity.Announce(fresh, _time.GetUtcNow()).Utf8.ToArray(), LongestPause * 5, cancel);
                    problem = answer.Status == 404 ? $"{one} has no worker protocol: start the gateway with LogLine:Role=gateway"
                        : answer.IsOk ? _pin.Meet(answer.Body, (await _connection.TryAsync(one, HttpMethod.Get, "v1/keys", null, LongestPause * 5, cancel)).Body)
                        : $"{one} answers {answer.Status}: {answer.Body.Text("detail")} {answer.Body.Items("errors").FirstOrDefault().Text("message")}";
                    if (problem is null)
                    {
                        (LeaseLife, _seen) = (TimeSpan.FromSeconds(Math.Clamp(answer.Body.Integer("lease_seconds") ?? 30, 1, 3600)), _time.GetTimestamp());
                        Volatile.Write(ref _maxArtifactBytes, answer.Body.Integer("max_artifact_bytes") ?? 0);
                        _logger.LogInformation("The worker {Name} ({Kid}, runner {Runner}) serves {Gateway}", _identity.Name, _identity.Kid, _identity.Runner.Kid, one);
                        return;
                    }
                }
                catch (HttpRequestException away)
                {
                    problem = away.Message;
                }
            }
            if (problem != said)
            {
                _logger.LogWarning("The worker waits for its gateway: {Reason}", said = problem);
            }
            await Task.Delay(pause, _time, cancel);
        }
    }

    private async Task PollAsync(Uri address, CancellationToken cancel)
    {
        var pause = FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var refused = _refused.Keys.Where(run => run.Gateway == address).ToList();
                var answer = await _connection.TryAsync(address, HttpMethod.Post, "v1/runs/lease", Wish(refused.Select(run => run.RunId)), WorkerWire.LongestPoll * 1.5, cancel);
                if (answer is { Status: 403, Reason: "worker_unknown" })
                {
                    await AnnounceAsync(address, fresh: false, cancel);
                }
                else if (!answer.IsOk)
                {
                    throw new HttpRequestException($"{address} answers {answer.Status}: {answer.Body.Text("detail")}");
                }
                else
                {
                    Volatile.Write(ref _seen, _time.GetTimestamp());
                    refused.ForEach(told => _refused.TryRemove(told, out _));
                    await TakeAsync(address, answer.Body, cancel);
                }
                pause = FirstPause;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception away)
            {
                _logger.LogWarning("No work from {Gateway}: {Reason}", address, away.Message);
                await Task.WhenAny(Task.Delay(pause, _time, cancel));
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private byte[] Wish(IEnumerable<string> refused) => WorkerWire.Object(json =>
    {
        var queued = _leased.ToDictionary(order => order.Run.RunId);
        json.WriteNumber("limit", Math.Clamp(Volatile.Read(ref _limit) - queued.Count, 0, MostAtOnce));
        json.WriteNumber("wait_s", (int)WorkerWire.LongestPoll.TotalSeconds);
        json.WriteStartObject("held");
        foreach (var runId in _held.Concat(queued.Keys).Distinct().Where(runId => !_lost.ContainsKey(runId)))
        {
            json.WriteString(runId, (queued.GetValueOrDefault(runId) ?? _orders.GetValueOrDefault(runId)) is { } order ? WorkerWire.Version(order.Run) : "");
        }
        json.WriteEndObject();
        WorkerWire.WriteTexts(json, "refused", refused);
        json.WriteStartArray("targets");
        foreach (var (provider, effects) in _targets())
        {
            json.WriteStartObject();
            json.WriteString("provider", provider);
            WorkerWire.WriteTexts(json, "effects", effects);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private async Task TakeAsync(Uri address, JsonElement answer, CancellationToken cancel)
    {
        foreach (var question in answer.Items("questions"))
        {
            Asked(address, question);
        }
        foreach (var item in answer.Items("runs"))
        {
            if (_check.IsOfAnotherKey(item))
            {
                await AnnounceAsync(address, fresh: false, cancel); // the gateway's key was replaced; until it is one that follows from the known one, nothing is taken
            }
            await TakeRunAsync(address, item, cancel);
        }
        foreach (var row in answer.Items("changed").Select(WorkerWire.ReadRun))
        {
            Follow(row);
        }
        foreach (var lost in answer.Texts("lost"))
        {
            _lost[lost] = 0;
            _renewed.TryRemove(lost, out _);
            _orders.TryRemove(lost, out _); // asked for each time from now on
        }
        Signal();
    }

    private async Task TakeRunAsync(Uri address, JsonElement item, CancellationToken cancel)
    {
        var (order, problem, isLeft) = _check.Verify(item);
        if (order is not null)
        {
            if (!_held.Contains(order.Run.RunId) && _leased.All(queued => queued.Run.RunId != order.Run.RunId))
            {
                _leased.Enqueue(order);
            }
            return;
        }
        var run = WorkerWire.ReadRun(item.Member("run"));
        _logger.LogError("{Run} is not carried out: {Problem}", run.RunId, problem);
        _refused[(address, run.RunId)] = 0;
        if (run.State < RunState.Running && !isLeft)
        {
            // Nobody else would judge it otherwise; a run that was begun is left to whoever watches it, one that came late to a better clock, and one of an unknown intent to a newer worker.
            var refusal = new RunReport(RunState.Failed) { Reason = "order_refused", Error = $"The worker does not carry this out: {problem}." };
            await SayAsync(run.RunId, [Sign(run, RunStates.Intent(RunState.Failed)!, json => RunEvents.Write(json, run, refusal, _time.GetUtcNow()))], null, cancel);
        }
    }

    /// <summary>What the gateway says of a run now; null when it has none of that name. The answer is believed only as far as its permit holds.</summary>
    private async Task<VerifiedOrder?> AskAsync(string runId)
    {
        var answer = await _connection.SendAsync(HttpMethod.Get, $"v1/runs/{runId}/order", null, _closing.Token);
        return answer.IsOk ? await VerifiedAsync(answer.Body, _closing.Token) : answer.Status == 404 ? null : throw new GatewayRefusalException(answer.Status, answer.Body.Text("detail") ?? $"The gateway answers {answer.Status}.");
    }

    private async Task<VerifiedOrder> VerifiedAsync(JsonElement body, CancellationToken cancel)
    {
        if (_check.IsOfAnotherKey(body))
        {
            await AnnounceAsync(null, fresh: false, cancel);
        }
        var (order, problem, _) = _check.Verify(body);
        return order ?? throw new GatewayRefusalException(200, $"What the gateway says of a run does not hold: {problem}.");
    }

    private async Task<(bool IsTaken, VerifiedOrder? Order)> SayAsync(string runId, IReadOnlyList<SpanDocument> spans, JsonElement? result, CancellationToken cancel)
    {
        var body = WorkerWire.Object(json =>
        {
            json.WriteStartArray("spans");
            foreach (var span in spans)
            {
                json.WriteRawValue(span.Utf8, skipInputValidation: true);
            }
            json.WriteEndArray();
            if (result is { } brought)
            {
                json.WritePropertyName("result");
                brought.WriteTo(json);
            }
        });
        var answer = await _connection.SendAsync(HttpMethod.Post, $"v1/runs/{runId}/reports", body, cancel);
        if (!answer.IsOk)
        {
            return answer.Status is 404 or 409
                ? (false, null)
                : throw new GatewayRefusalException(answer.Status, $"{answer.Body.Text("detail")} {answer.Body.Items("errors").FirstOrDefault().Text("message")}");
        }
        var order = await VerifiedAsync(answer.Body, cancel);
        Follow(order.Run);
        Signal();
        return (true, order);
    }

    /// <summary>Keeps the newest that is known of a run's row: a state never goes back, and an end that is asked for stays asked for.</summary>
    private void Follow(RunRow row)
    {
        while (_orders.TryGetValue(row.RunId, out var known) && row.State >= known.Run.State)
        {
            if (_orders.TryUpdate(row.RunId, known with { Run = row with { CancelRequested = row.CancelRequested || known.Run.CancelRequested } }, known))
            {
                return;
            }
        }
    }

    private SpanDocument Sign(RunRow run, string intent, Action<Utf8JsonWriter> payload) => new SpanDraft
    {
        Intent = intent,
        Subject = run.Subject,
        EntityType = RunEvents.EntityType(intent),
        Actor = _identity.Name,
        Ts = _time.GetUtcNow(),
        Payload = json =>
        {
            json.WriteString("kind", ServerIdentity.KindOf(intent));
            payload(json);
        },
    }.Sign(_identity.Kid, _identity.Key, SignatureKind.Event);

    private void Signal()
    {
        _signals.RaiseAll();
        Interlocked.Exchange(ref _moved, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    private static byte[] Runs(IReadOnlyCollection<string> runs) => WorkerWire.Object(json => WorkerWire.WriteTexts(json, "runs", runs));

    private static IReadOnlyCollection<string> HeldIn(GatewayAnswer answer) => answer.IsOk ? answer.Body.Texts("held") : [];
}
