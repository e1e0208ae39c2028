using System.Collections.Concurrent;
using System.Threading.Channels;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Gate;

/// <summary>
/// Refusals after authentication are entries too: code, hash of the submission, rule, never the payload (contract, section 9). Nobody waits for
/// them, and each tenant gets <see cref="PerMinute"/> a minute: a flood of bad requests does not flood the ledger.
/// </summary>
public sealed class RefusalLog(SpanLedger ledger, TimeProvider time, ILogger<RefusalLog> logger) : BackgroundService
{
    /// <summary>Entries per tenant and minute; further refusals are answered and not recorded.</summary>
    public const int PerMinute = 300;

    private const int MaxBatch = 100;

    private readonly Channel<ServerSpan> _queue = Channel.CreateBounded<ServerSpan>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly ConcurrentDictionary<string, (long Minute, int Count)> _counts = new();

    /// <summary>Records the refusal of a submission.</summary>
    public void Record(Submission submission, Rejection rejection) =>
        Record(submission.Principal, submission.Env, submission.ContentHash, submission.IsArray ? null : (submission.Compiled?.Span ?? submission.Body.Root).Text("intent"), rejection);

    /// <summary>Records the refusal of a request whose body was not even JSON.</summary>
    public void Record(TenantPrincipal principal, ReadOnlySpan<byte> body, Rejection rejection) => Record(principal, principal.Env, ContentHash.Of(body), null, rejection);

    private void Record(TenantPrincipal principal, string env, string hash, string? intent, Rejection rejection)
    {
        if (rejection.Code is RefusalCode.Busy or RefusalCode.RateLimited or RefusalCode.Internal || !Count(principal.Tenant))
        {
            return;
        }
        var now = time.GetUtcNow();
        _queue.Writer.TryWrite(ledger.Identity.Sign(principal.Tenant, env, "gate.refused", "decision", Identifiers.TenantSubject(principal.Tenant), now, json =>
        {
            json.WriteString("code", rejection.Code.Meaning().Wire);
            json.WriteString("submission_hash", hash);
            if (intent is { Length: <= 128 })
            {
                json.WriteString("intent", intent);
            }
            if (rejection.Details.TryGetValue("rule", out var rule) && rule is string text)
            {
                json.WriteString("rule", text);
            }
            json.WriteString("principal", principal.TokenId);
        }));
    }

    private bool Count(string tenant)
    {
        var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
        return _counts.AddOrUpdate(tenant, (minute, 1), (_, seen) => seen.Minute == minute ? (minute, seen.Count + 1) : (minute, 1)).Count <= PerMinute;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<ServerSpan>(MaxBatch);
        while (await _queue.Reader.WaitToReadAsync(stoppingToken))
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var span))
            {
                batch.Add(span);
            }
            try
            {
                await ledger.AppendOwnAsync(batch, stoppingToken);
            }
            catch (LedgerUnavailableException defect)
            {
                logger.LogWarning("{Count} refusals were not recorded: {Reason}", batch.Count, defect.Message);
            }
        }
    }
}
