using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate;

/// <summary>
/// What the gate has found out about one item so far. Checks read what earlier checks wrote; each member says which check writes it.
/// </summary>
public sealed class Judgement(Submission submission, SpanDocument submitted, GateState state)
{
    private const int RunIdDigits = 32;

    private (SeenWorkload Seen, Task Since)? _looked;

    /// <summary>The first text at or below a place of the item that is not what was sent, since that was not in NFC; or null.</summary>
    public string? Altered(string below) => Submission.Compiled is { } compiled
        ? compiled.Altered.FirstOrDefault(path => path.StartsWith(below, StringComparison.Ordinal))
        : Submission.Body.Altered.FirstOrDefault(path => path.StartsWith(Place + below, StringComparison.Ordinal))?[Place.Length..];

    /// <summary>The request.</summary>
    public Submission Submission { get; } = submission;

    /// <summary>The item as it was sent.</summary>
    public JsonElement Submitted { get; } = submitted.Root;

    /// <summary>Where the item stands in the body, as a JSON Pointer.</summary>
    public string Place { get; init; } = "";

    /// <summary>Committed state, with what earlier items of the same array are about to change laid over it.</summary>
    public GateState State { get; } = state;

    /// <summary>The span: as sent, and from <c>form</c> on as it will be stored.</summary>
    public SpanDocument Span { get; set; } = submitted;

    /// <summary>Its intent, when the catalogue has it.</summary>
    public IntentDefinition? Definition { get; set; }

    /// <summary>What is left of its quota; written by <c>rate</c>.</summary>
    public RateLimitState? RateLimit { get; set; }

    /// <summary>Fingerprint of this item's own content; written by <c>replay</c>.</summary>
    public byte[] Fingerprint { get; set; } = [];

    /// <summary>A span that was admitted before and is the answer now; written by <c>replay</c>.</summary>
    public StoredSpan? Replay { get; set; }

    /// <summary>An earlier item of the same array that is the same span, so that this one is its replay; written by <c>replay</c>.</summary>
    public AdmittedSpan? Twin { get; set; }

    /// <summary>True when it was admitted before: it is not judged again.</summary>
    public bool IsReplay => Replay is not null || Twin is not null || ReplayedItems is not null;

    /// <summary>The answer of an array that was admitted before; written by <c>replay</c>.</summary>
    public string? ReplayedItems { get; set; }

    /// <summary>What the gate filled in, in order; written by <c>form</c>.</summary>
    public IReadOnlyList<string> Repaired { get; set; } = [];

    /// <summary>Who signed the span, else the request; written by <c>request signature</c> and <c>trust</c>.</summary>
    public string? Kid { get; set; }

    /// <summary>Every key that was trusted for it; the commit holds them against the registry once more.</summary>
    public List<string> TrustedKids { get; init; } = [];

    /// <summary>Usage of the key that signed; empty when nothing was signed.</summary>
    public IReadOnlyList<string> KeyUsage { get; set; } = [];

    /// <summary>The ref that it names; written by <c>consistency</c>.</summary>
    public MiniContainerRef? Ref { get; set; }

    /// <summary>The manifest that it brings or names; written by <c>consistency</c> or <c>existence</c>.</summary>
    public SignedManifest? Manifest { get; set; }

    /// <summary>Where it goes: the payload's target, or for a rollback that of the run; written by <c>consistency</c> or <c>existence</c>.</summary>
    public JsonElement Target
    {
        get;
        set => (field, Provider, Service) = (value, EngineName.Of(value), value.Text("service") ?? "");
    }

    /// <summary>The target's engine (<see cref="EngineName"/>); empty for what goes nowhere.</summary>
    public string Provider { get; private set; } = "";

    /// <summary>The target's service; empty for what names none.</summary>
    public string Service { get; private set; } = "";

    /// <summary>What the gateway chose, when the target's provider is <c>auto</c>; <see cref="Target"/> names it then.</summary>
    public ProviderChoice? Choice { get; set; }

    /// <summary>What a deploy would do; written by <c>lifecycle</c>.</summary>
    public DeployPlan? Plan { get; set; }

    /// <summary>
    /// The tenant's container of the name in the payload, or null. One look of the target serves all checks of an item, unless a run has moved since: then it is looked at again.
    /// </summary>
    /// <exception cref="AdapterException">The target does not say.</exception>
    public async ValueTask<Workload?> LookAsync(CancellationToken cancel)
    {
        if (_looked is not { Since.IsCompleted: false } known)
        {
            var (since, at) = (State.Moved, State.Timestamp);
            _looked = known = (new SeenWorkload(await RunTelemetry.GuardAsync(Provider, "gate", () => State.Targets.Find(Provider)!.Before(RunId).FindByNameAsync(Tenant, Payload.Text("name")!, cancel)), at), since);
        }
        return known.Seen.Found;
    }

    /// <summary>Forgets what was seen: the next look is a new one.</summary>
    public void LookAnew() => _looked = null;

    /// <summary>What <see cref="LookAsync"/> saw last; null when nobody looked.</summary>
    public SeenWorkload? Seen => _looked?.Seen;

    /// <summary>Name of the run that it starts, if it starts one: after its span, so that judged again it is the same run. As it will be from <c>form</c> on.</summary>
    public string RunId => string.Concat("run_", Span.Hash.AsSpan(ContentHash.Prefix.Length, RunIdDigits));

    /// <summary>The run that it starts, when this process's own worker has it from its admission on.</summary>
    public TakenRun? Taken { get; set; }

    /// <summary>The run that it names; written by <c>existence</c>.</summary>
    public RunRow? Run { get; set; }

    /// <summary>The webhook that it is about; written by <c>existence</c>.</summary>
    public WebhookRow? Webhook { get; set; }

    /// <summary>The artifact that is to be removed; written by <c>existence</c>.</summary>
    public StoredArtifact? Artifact { get; set; }

    /// <summary>The span that is to be erased; written by <c>existence</c>.</summary>
    public StoredSpan? Erased { get; set; }

    /// <summary>The event that a webhook is to get again; written by <c>existence</c>.</summary>
    public DeliveryRow? Again { get; set; }

    /// <summary>A token that it makes: shown once in the answer, never recorded.</summary>
    public ApiToken? NewToken { get; set; }

    /// <summary>The proof that lets it through; written by <c>authorisation</c>.</summary>
    public ProofRow? Proof { get; set; }

    /// <summary>The proof for <c>capability.allow</c> that it uses up, when it adds such capabilities.</summary>
    public ProofRow? CapabilityProof { get; set; }

    /// <summary>True when nothing is to be committed and only the span itself is judged.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>The payload.</summary>
    public JsonElement Payload => Span.Payload;

    /// <summary>The effect of its intent, or null.</summary>
    public string? Effect => Definition?.Effect;

    /// <summary>The tenant.</summary>
    public string Tenant => Submission.Tenant;

    /// <summary>The time that counts for all of it.</summary>
    public DateTimeOffset Now => Submission.ReceivedAt;
}

/// <summary>What came of one item: exactly one is set, or <see cref="ReplayedItems"/> for a whole array.</summary>
public sealed record ItemVerdict
{
    /// <summary>It passed.</summary>
    public AdmittedSpan? Admitted { get; init; }

    /// <summary>It was admitted before; its Ack is the answer.</summary>
    public StoredSpan? Replay { get; init; }

    /// <summary>An earlier item of the same array is the same span; that one's Ack is the answer.</summary>
    public AdmittedSpan? Twin { get; init; }

    /// <summary>It is refused.</summary>
    public Rejection? Refused { get; init; }

    /// <summary>The whole array was answered before.</summary>
    public string? ReplayedItems { get; init; }

    /// <summary>A token that it made.</summary>
    public ApiToken? NewToken { get; init; }

    /// <summary>The run that this process's own worker has from its admission on; to be begun when it is durable.</summary>
    public TakenRun? Taken { get; init; }

    /// <summary>What is left of the quota that it was counted against.</summary>
    public RateLimitState? RateLimit { get; init; }
}
