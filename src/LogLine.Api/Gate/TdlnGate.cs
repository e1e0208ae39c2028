using System.Diagnostics;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Errors;
using LogLine.Api.Gate.Checks;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>Whether a check judges the request as a whole or each of its items.</summary>
public enum CheckScope
{
    /// <summary>Once for the request; in an array before any item.</summary>
    Request,
    /// <summary>Once for every item.</summary>
    Item,
}

/// <summary>One line of the gate's list. A check answers null to let pass.</summary>
public sealed record GateCheck(string Name, CheckScope Scope, Func<Judgement, CancellationToken, ValueTask<Rejection?>> Judge)
{
    /// <summary>True when it may have let pass on a hope (<see cref="ReplayReads.Hope"/>).</summary>
    public bool Hopes { get; init; }

    /// <summary>A check that needs to wait for nothing.</summary>
    public GateCheck(string name, CheckScope scope, Func<Judgement, Rejection?> judge) : this(name, scope, (item, _) => new(judge(item)))
    {
    }
}

/// <summary>
/// The TDLN gate. <see cref="_order"/> is the whole of it: rows 4 to 18 of the contract's table, read from top to bottom, and the first refusal is
/// the answer. (Rows 1 to 3 — size, token, syntax — are behind a submission before it gets here.) It is deterministic: the same submission
/// against the same state gets the same verdict.
/// </summary>
public sealed class TdlnGate
{
    private readonly GateCheck[] _order;
    private readonly GateCheck[] _ofRequest;
    private readonly GateCheck[] _ofItem;
    private readonly Reservations _reservations = new();
    private readonly Catalogue _catalogue;
    private readonly TenantDirectory _directory;
    private readonly SpanLedger _ledger;
    private readonly KnownManifests _manifests;
    private readonly RunTargets _targets;
    private readonly RunDesk _desk;
    private readonly ArtifactStore _artifacts;
    private readonly TimeProvider _time;

    /// <summary>Wires the checks to what they ask.</summary>
    public TdlnGate(Catalogue catalogue, TenantDirectory directory, SpanLedger ledger, RunTargets targets, RunDesk desk, TenantRules rules, OperatorPolicy policy, ArtifactStore artifacts, TimeProvider time)
    {
        (_catalogue, _directory, _ledger, _targets, _desk, _artifacts, _time) = (catalogue, directory, ledger, targets, desk, artifacts, time);
        _manifests = new KnownManifests(ledger.Store);
        var replay = new ReplayCheck(ledger.Store);
        var policies = new PolicyCheck(policy, rules);
        var authorisation = new AuthorisationCheck(policy);
        _order =
        [
            new("scope", CheckScope.Item, item => ScopeCheck.Judge(item, catalogue)),  // row 4
            new("rate", CheckScope.Item, (item, _) => RateCheck.JudgeAsync(item, rules)),        // row 5
            new("canonical form", CheckScope.Request, IntegrityCheck.CanonicalForm),   // row 6: nothing is hashed before it has one form
            new("payload hash", CheckScope.Request, IntegrityCheck.PayloadHash),       // row 6
            new("request signature", CheckScope.Request, IntegrityCheck.SignatureAsync),    // row 6: before replay, so that a stolen key replays nothing
            new("freshness", CheckScope.Request, item => FreshnessCheck.Present(item, policy)), // row 7
            new("replay of the key", CheckScope.Request, replay.OfKeyAsync),                // row 8: before time and nonce, so that an honest retry gets its Ack
            new("replay of this", CheckScope.Item, replay.OfThisAsync) { Hopes = true },    // row 8
            new("timestamp", CheckScope.Request, FreshnessCheck.Timestamp),            // row 9
            new("nonce", CheckScope.Request, replay.NonceAsync) { Hopes = true },           // row 10
            new("form", CheckScope.Item, item => FormCheck.Judge(item, catalogue)),    // row 11: what passes is repaired here, and complete from here on
            new("trust", CheckScope.Item, TrustCheck.JudgeAsync),                           // row 12
            new("consistency", CheckScope.Item, ConsistencyCheck.JudgeAsync),               // row 13
            new("policy", CheckScope.Item, policies.JudgeAsync),                            // row 14
            new("existence", CheckScope.Item, ExistenceCheck.JudgeAsync),              // row 15
            new("policy of the manifest", CheckScope.Item, policies.OfManifestAsync),       // row 14 again: what a ref names is known only now
            new("authorisation", CheckScope.Item, authorisation.JudgeAsync),           // row 16
            new("lifecycle", CheckScope.Item, (item, cancel) => LifecycleCheck.JudgeAsync(item, catalogue, cancel)), // row 17
            new("capacity", CheckScope.Item, CapacityCheck.JudgeAsync),                // row 18
        ];
        _ofRequest = [.. _order.Where(check => check.Scope == CheckScope.Request)];
        _ofItem = [.. _order.Where(check => check.Scope == CheckScope.Item)];
    }

    /// <summary>Names of the checks, in order.</summary>
    public IEnumerable<string> Order => _order.Select(check => check.Name);

    /// <summary>
    /// Judges a submission. The verdict holds what the request has claimed; it is disposed when the outcome is known, and then the next
    /// request that wants the same may go on.
    /// </summary>
    public async ValueTask<GateVerdict> JudgeAsync(Submission submission, CancellationToken cancel)
    {
        using var activity = GateMetrics.Activities.StartActivity("gate");
        var since = _time.GetTimestamp();
        var state = State(submission);
        var items = submission.Items;
        var verdict = new GateVerdict(submission, _ledger.Size);
        try
        {
            var claims = RequestClaims.Of(submission, items);
            verdict.Claims = await _reservations.TakeAsync(claims, cancel);
            if (verdict.Claims is null)
            {
                verdict.Items.Add(Refuse(null, "replay of the key", new Rejection(RefusalCode.Busy, "Another request with the same key, nonce or subject has been in progress for too long.") { RetryAfterSeconds = 1 }));
                verdict.IsWhole = true;
                return verdict;
            }
            state.Before = !submission.IsArray && RequestClaims.ArePlain(claims) ? ReplayReads.Hope(_ledger.Store, submission, items[0]) : ReplayReads.Ask(_ledger.Store, submission, items);
            if (submission.IsArray)
            {
                await JudgeArrayAsync(submission, items, state, verdict, cancel);
            }
            else
            {
                verdict.Items.Add(await JudgeItemAsync(new Judgement(submission, items[0], state), _order, cancel));
            }
            return verdict;
        }
        catch
        {
            verdict.Dispose();
            throw;
        }
        finally
        {
            GateMetrics.Took(_time.GetElapsedTime(since));
        }
    }

    /// <summary>
    /// What the gate says of a request whose bytes have yet to come, so that none are taken in vain. Nothing is claimed: what passes is judged again when it is whole.
    /// </summary>
    /// <returns>The refusal, or what its quota has left.</returns>
    public async ValueTask<(Rejection? Refused, CountedQuota Counted)> ScreenAsync(Submission submission, CancellationToken cancel)
    {
        var (items, state) = (submission.Items, State(submission));
        state.Before = ReplayReads.Ask(_ledger.Store, submission, items);
        var item = new Judgement(submission, items[0], state);
        var refused = await RunAsync(item, _order, cancel);
        return (refused, new CountedQuota(item.RateLimit));
    }

    /// <summary>
    /// What the gate would say of the span itself: rows 11 and 13, without providers. Nothing is claimed and nothing is written.
    /// </summary>
    /// <returns>The span as it would be stored, or as far as it came, and the refusal.</returns>
    public async ValueTask<(JsonElement Span, Rejection? Refused)> DryRunAsync(Submission submission, CancellationToken cancel)
    {
        var item = new Judgement(submission, submission.Items[0], State(submission)) { IsDryRun = true };
        item.Definition = _catalogue.Find(item.Span.Intent);
        var refused = IntegrityCheck.CanonicalForm(item) ?? FormCheck.Judge(item, _catalogue) ?? await ConsistencyCheck.JudgeAsync(item, cancel);
        return (item.Span.Root, refused);
    }

    private GateState State(Submission submission) => new(_directory, _ledger.Store, _manifests, _targets.For(submission.Tenant), _desk, _artifacts, _time);

    private async Task JudgeArrayAsync(Submission submission, IReadOnlyList<SpanDocument> items, GateState state, GateVerdict verdict, CancellationToken cancel)
    {
        var whole = new Judgement(submission, SpanDocument.View(submission.Body), state);
        var request = await RunAsync(whole, _ofRequest, cancel) ?? FormCheck.ArrayLength(items.Count);
        if (request is not null || whole.ReplayedItems is not null)
        {
            verdict.Items.Add(new ItemVerdict { Refused = request, ReplayedItems = whole.ReplayedItems });
            verdict.IsWhole = true;
            return;
        }
        foreach (var (at, span) in items.Index())
        {
            var item = new Judgement(submission, span, state) { Place = $"/{at}", Kid = whole.Kid, KeyUsage = whole.KeyUsage, TrustedKids = [.. whole.TrustedKids] };
            var judged = await JudgeItemAsync(item, _ofItem, cancel);
            verdict.Items.Add(judged);
            if (judged.Admitted is { } admitted)
            {
                state.Add(admitted);
            }
        }
    }

    private async ValueTask<ItemVerdict> JudgeItemAsync(Judgement item, GateCheck[] checks, CancellationToken cancel)
    {
        if (await RunAsync(item, checks, cancel) is { } refused)
        {
            return new ItemVerdict { Refused = refused };
        }
        if (item.IsReplay)
        {
            GateMetrics.Judged(item.Definition, "replay");
            return new ItemVerdict { Replay = item.Replay, Twin = item.Twin, ReplayedItems = item.ReplayedItems };
        }
        GateMetrics.Judged(item.Definition, "ok");
        return new ItemVerdict { Admitted = await Admission.AdmitAsync(item), NewToken = item.NewToken, RateLimit = item.RateLimit, Taken = item.Taken };
    }

    /// <summary>
    /// The loop over the list. A replay ends it: what was admitted once is not judged again. When something is refused that was hoped to be new, the checks before it that hoped come once more, and
    /// what the ledger says comes first.
    /// </summary>
    private static async ValueTask<Rejection?> RunAsync(Judgement item, GateCheck[] checks, CancellationToken cancel)
    {
        foreach (var check in checks)
        {
            if (await check.Judge(item, cancel) is { } refused)
            {
                var known = item.State.Before.StopHoping() ? await RunAsync(item, HopingBefore(check, checks), cancel) : null;
                return known ?? (item.IsReplay ? null : Refuse(item.Definition, check.Name, refused).Refused);
            }
            if (item.IsReplay)
            {
                return null;
            }
        }
        return null;
    }

    private static GateCheck[] HopingBefore(GateCheck check, GateCheck[] checks) => [.. checks.TakeWhile(earlier => earlier != check).Where(earlier => earlier.Hopes)];

    private static ItemVerdict Refuse(IntentDefinition? intent, string check, Rejection rejection)
    {
        GateMetrics.Judged(intent, rejection.Code.Meaning().Wire);
        Activity.Current?.SetTag("logline.refused_by", check);
        return new ItemVerdict { Refused = rejection };
    }
}

/// <summary>What the gate says of a request: a verdict per item, or one for the whole, and the claims to give back afterwards.</summary>
public sealed class GateVerdict(Submission submission, long seen) : IDisposable
{
    private static readonly TimeSpan NonceMargin = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan NonceLife = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan KeyLife = TimeSpan.FromHours(24);

    /// <summary>The request.</summary>
    public Submission Submission => submission;

    /// <summary>Per item; one for the whole when <see cref="IsWhole"/>.</summary>
    public List<ItemVerdict> Items { get; } = [];

    /// <summary>True when one verdict answers an array as a whole.</summary>
    public bool IsWhole { get; internal set; }

    internal IDisposable? Claims { get; set; }

    /// <summary>What is to be appended; null when nothing was admitted.</summary>
    /// <param name="answers">The answer of every item that stands already; null for those that the commit decides.</param>
    public AppendRequest? ToAppend(IReadOnlyList<byte[]?> answers)
    {
        var admitted = new List<AdmittedSpan>(Items.Count);
        foreach (var item in Items)
        {
            if (item.Admitted is { } one)
            {
                admitted.Add(one);
            }
        }
        if (admitted.Count == 0)
        {
            return null;
        }
        return new AppendRequest
        {
            Tenant = submission.Tenant,
            Seen = seen,
            Spans = admitted,
            Nonce = submission is { Nonce: { } nonce, SentAt: { } sent }
                ? (nonce, Later(sent + NonceMargin, submission.ReceivedAt + NonceLife))
                : null,
            Key = submission.IdempotencyKey is { } key
                ? new KeyBinding(key, submission.Fingerprint(submission.ContentHash), submission.ReceivedAt + KeyLife, submission.IsArray ? KeyItemsOf(admitted, answers) : null)
                : null,
        };
    }

    private List<KeyItem> KeyItemsOf(List<AdmittedSpan> admitted, IReadOnlyList<byte[]?> answers) =>
        [.. Items.Select((item, i) => (item.Admitted ?? item.Twin) is { } committed ? new KeyItem(admitted.IndexOf(committed), null) : new KeyItem(-1, answers[i]))];

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    /// <inheritdoc/>
    public void Dispose() => Claims?.Dispose();
}
