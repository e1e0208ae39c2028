using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Serving;

/// <summary>The workers that ask this gateway for work now, and the questions that it has for them. In memory: a gateway that is started again is asked anew within a moment.</summary>
internal sealed class WorkerBoard(TimeProvider time)
{
    private const int MostLooks = 256;
    private const int MostLooksOfTenant = 32;
    private const int MostFollows = 256;

    /// <summary>A worker that is between two requests for work is still there for so long.</summary>
    private static readonly TimeSpan Presence = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string Id, string? OnlyTenant), ConnectedWorker> _workers = new();
    private readonly ConcurrentDictionary<string, Question> _questions = new();

    // Logs that are followed for hours take no seat of what is answered within moments.
    private readonly QuestionSeats _looks = new(MostLooks, MostLooksOfTenant);
    private readonly QuestionSeats _follows = new(MostFollows, MostFollows); // how many one tenant follows is the reader's limit

    /// <summary>The worker as it asks for work now.</summary>
    public ConnectedWorker Enter(WorkerCaller caller, IReadOnlyDictionary<string, IReadOnlySet<string>> effects)
    {
        var own = (caller.Id, caller.OnlyTenant);
        foreach (var (key, gone) in _workers)
        {
            if (key != own && !IsThere(gone))
            {
                _workers.TryRemove(key, out _);
            }
        }
        var worker = _workers.GetOrAdd(own, static key => new ConnectedWorker(key.Id, key.OnlyTenant));
        (worker.SeenAt, worker.Effects) = (time.GetTimestamp(), effects);
        return worker;
    }

    /// <summary>The worker that serves a target for a tenant (null: for every tenant), <paramref name="first"/> where it is there, else the one that was last seen; or null. What another tenant's worker says is no answer.</summary>
    public ConnectedWorker? Find(string provider, string? tenant, string? first = null) => _workers.Values
        .Where(worker => worker.Effects.ContainsKey(provider) && (worker.OnlyTenant is null || worker.OnlyTenant == tenant) && IsThere(worker))
        .MaxBy(worker => (worker.Id == first, worker.SeenAt));

    /// <summary>Asks a worker, and waits for the answer: the member <c>result</c>, undefined when there is nothing of the kind.</summary>
    /// <exception cref="AdapterException">No worker is there, it did not answer in time, or its target refused.</exception>
    public async Task<JsonElement> AskAsync(string provider, string? tenant, string kind, Action<Utf8JsonWriter> terms, TimeSpan patience, CancellationToken cancel, string? first = null)
    {
        var question = Put(provider, tenant, kind, terms, null, first);
        try
        {
            return await question.Answer.Task.WaitAsync(patience, time, cancel);
        }
        catch (TimeoutException)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"the worker that serves {provider} did not answer within {patience.TotalSeconds:0.#} s");
        }
        finally
        {
            Remove(question);
        }
    }

    /// <summary>Asks a worker, the one that has the run where it is there, to follow a log into <paramref name="ring"/>; whoever asked ends it with <see cref="Forget"/>.</summary>
    public Question Follow(RunRow run, Action<Utf8JsonWriter> terms, LogRing ring) => Put(run.Provider, run.Tenant, "follow", terms, ring, run.LeaseOwner);

    /// <summary>The question of that id, which its worker is answering now; or null when nobody waits for it any more.</summary>
    public Question? Take(string id) => _questions.GetValueOrDefault(id);

    /// <summary>Nobody waits for the answer any more.</summary>
    public void Forget(Question question)
    {
        Remove(question);
        question.Over.Cancel();
    }

    /// <summary>Says when no worker is there, and the way out.</summary>
    public static AdapterException Nobody(string provider) =>
        new(AdapterFailure.Unavailable, $"no worker serves {provider} here; start one (logline-api --role worker, docs/workers.md)");

    private Question Put(string provider, string? tenant, string kind, Action<Utf8JsonWriter> terms, LogRing? ring, string? first)
    {
        var worker = Find(provider, tenant, first) ?? throw Nobody(provider);
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var question = new Question(id, WorkerWire.Object(json =>
        {
            json.WriteString("id", id);
            json.WriteString("kind", kind);
            json.WriteString("provider", provider);
            terms(json);
        }), ring);
        question.Seat = (ring is null ? _looks : _follows).Take(tenant ?? "") ?? throw TooMany(provider);
        _questions[id] = question;
        if (!worker.TryAsk(question))
        {
            Remove(question);
            throw TooMany(provider);
        }
        return question;
    }

    private void Remove(Question question)
    {
        if (_questions.TryRemove(question.Id, out _))
        {
            question.Seat?.Dispose();
        }
    }

    private static AdapterException TooMany(string provider) => new(AdapterFailure.Unavailable, $"the worker that serves {provider} has too many questions to answer");

    private bool IsThere(ConnectedWorker worker) => Volatile.Read(ref worker.Polls) > 0 || time.GetElapsedTime(worker.SeenAt) < Presence;
}

/// <summary>A worker that asks for work.</summary>
internal sealed class ConnectedWorker(string id, string? onlyTenant)
{
    private const int MostQueued = 64;

    /// <summary>Requests of it that wait for work now.</summary>
    public int Polls;

    /// <summary>Name of the process in leases.</summary>
    public string Id => id;

    /// <summary>The targets that it serves, and the primitives that each carries out.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<string>> Effects { get; set; } = new Dictionary<string, IReadOnlySet<string>>();

    /// <summary>The tenant that it serves, or null for all.</summary>
    public string? OnlyTenant => onlyTenant;

    /// <summary>When it last asked.</summary>
    public long SeenAt { get; set; }

    /// <summary>What it is to answer.</summary>
    public Channel<Question> Questions { get; } = Channel.CreateBounded<Question>(MostQueued);

    /// <summary>Runs that were given to it and that it has not shown to have: the answer may have been lost on its way.</summary>
    public ConcurrentDictionary<string, byte> Given { get; } = new();

    /// <summary>Puts a question to it; false when too many wait to be fetched. Half of the places are left to questions with one answer.</summary>
    public bool TryAsk(Question question) => (question.Ring is null || Questions.Reader.Count < MostQueued / 2) && Questions.Writer.TryWrite(question);

    /// <summary>Which runs it may have.</summary>
    public LeaseReach Reach => new([.. Effects.Keys], OnlyTenant);
}

/// <summary>Questions that wait for an answer at a time: of all tenants, and of one.</summary>
internal sealed class QuestionSeats(int most, int mostOfTenant) : Tenants.TenantSeats(most, mostOfTenant);

/// <summary>A question to a worker.</summary>
internal sealed class Question(string id, byte[] body, LogRing? ring)
{
    public string Id => id;

    /// <summary>Its seat among those that wait; given back when nobody waits for the answer any more.</summary>
    public IDisposable? Seat { get; set; }

    /// <summary>What the worker gets.</summary>
    public byte[] Body => body;

    /// <summary>Where followed lines go; null for a question with one answer.</summary>
    public LogRing? Ring => ring;

    /// <summary>The answer; for a log that is followed, its container.</summary>
    public TaskCompletionSource<JsonElement> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a log that is followed has come to its end; fails when it was cut off before.</summary>
    public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Nothing more comes. What has not been said by now was cut off.</summary>
    public void CutOff()
    {
        var cut = new AdapterException(AdapterFailure.Unavailable, "the worker's answer was cut off");
        Answer.TrySetException(cut);
        Finished.TrySetException(cut);
        _ = (Answer.Task.Exception, Finished.Task.Exception); // whoever asked may be gone
        Ring?.End();
    }

    /// <summary>Cancelled when nobody wants to know any more.</summary>
    public CancellationTokenSource Over { get; } = new();

    /// <summary>Reads an answer: <c>{result?}</c> or <c>{failure, message}</c>.</summary>
    public void Settle(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object)
        {
            Answer.TrySetException(new AdapterException(AdapterFailure.Unavailable, "the worker's answer is none"));
            return;
        }
        if (answer.Text("failure") is { } failure)
        {
            Answer.TrySetException(new AdapterException(Enum.TryParse<AdapterFailure>(failure, out var kind) ? kind : AdapterFailure.Refused, answer.Text("message") ?? failure));
            return;
        }
        Answer.TrySetResult(answer.Member("result") is { ValueKind: not JsonValueKind.Undefined } result ? result.Clone() : default);
    }
}
