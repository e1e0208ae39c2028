using LogLine.Api.Delivery.Reading;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>
/// Delivers one webhook's events: in rounds, each of which is the next stretch of the log and what is due again. Events of one subject go one after the other, others side
/// by side. What came of a round is written as a whole before the next begins, so a crash repeats one round at most, under the same ids.
/// An event that fails is put aside with those behind it of the same subject; while everything fails, the log itself is the queue: the courier stops
/// reading on, and knocks now and then.
/// </summary>
internal sealed class WebhookCourier(WebhookRow webhook, WebhookLease lease, CourierTools tools)
{
    private const int RoundSize = 64;
    private const long RoundBytes = 1 << 20;
    private const int SideBySide = 16;
    private const int MaxWaiting = 10_000;
    private const int FailuresUntilClosed = 5;
    private const long Stretch = 10_000;
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan Knock = TimeSpan.FromSeconds(60);

    private readonly IDeliveryStore _store = tools.Ledger.Store;
    private readonly Uri _url = new(webhook.Url);
    private bool _anyWaiting = true; // not known before the store was asked
    private int _failures;
    private int _waiting;
    private long _settled = webhook.Cursor;
    private DateTimeOffset? _failingSince = webhook.FailingSince;
    private DateTimeOffset _knockAt;
    private bool _isGone;
    private string _lastError = "";

    /// <summary>Delivers until the webhook is changed, is disabled, or belongs to another.</summary>
    public async ValueTask RunAsync(CancellationToken stop)
    {
        using var cursor = tools.Reader.Open(new SpanSelection(new SpanFilter(webhook.Tenant), webhook.Events), webhook.Cursor, stop);
        using var followed = DeliveryMetrics.Follow(() => (Math.Max(0, tools.Ledger.Size - cursor.Next), Volatile.Read(ref _waiting)));
        while (!stop.IsCancellationRequested)
        {
            var (due, fresh, wakeAt) = await NextAsync(cursor);
            if (due.Count + fresh.Count == 0)
            {
                if (cursor.Next - _settled >= Stretch && !await SettleAsync(cursor.Next, [], anyDelivered: false))
                {
                    return;
                }
                if (cursor.AtEnd || wakeAt is not null)
                {
                    await WaitAsync(cursor, wakeAt, stop);
                }
                continue;
            }
            var rows = await DeliverAsync(due, fresh, stop);
            var anyDelivered = rows.Exists(row => row.State == DeliveryState.Delivered);
            Judge(rows, anyDelivered);
            if (!await SettleAsync(cursor.Next, rows, anyDelivered) || await DisableAsync(rows))
            {
                return;
            }
        }
    }

    /// <summary>What the next round is of; when it is of nothing, the time at which to look again, if there is one.</summary>
    private async ValueTask<(List<DeliveryRow> Due, List<LogItem> Fresh, DateTimeOffset? WakeAt)> NextAsync(SpanCursor cursor)
    {
        var now = tools.Time.GetUtcNow();
        List<DeliveryRow> due = [];
        DateTimeOffset? wakeAt = null;
        var waiting = 0;
        if (_anyWaiting)
        {
            due = await _store.DueDeliveriesAsync(webhook.WebhookId, now, RoundSize);
            (waiting, wakeAt) = await _store.WaitingAsync(webhook.WebhookId);
            _anyWaiting = waiting > 0;
        }
        Volatile.Write(ref _waiting, waiting);
        var limit = waiting >= MaxWaiting ? 0 : _failures < FailuresUntilClosed ? RoundSize : now >= _knockAt ? 1 : 0;
        if (limit == 0)
        {
            return (due, [], wakeAt is null || (_knockAt < wakeAt && waiting < MaxWaiting) ? _knockAt : wakeAt);
        }
        if (limit == 1)
        {
            _knockAt = now + (Knock * tools.Policy.RetryScale);
        }
        return (due, await cursor.ReadAsync(limit, RoundBytes), wakeAt);
    }

    /// <summary>Waits for the time at which something is due, and, once the end of the log is reached, for more of it.</summary>
    private async ValueTask WaitAsync(SpanCursor cursor, DateTimeOffset? wakeAt, CancellationToken stop)
    {
        var pause = wakeAt is { } at ? TimeSpan.FromTicks(Math.Clamp((at - tools.Time.GetUtcNow()).Ticks, 0, LongestPause.Ticks)) : LongestPause;
        if (cursor.AtEnd)
        {
            await cursor.WaitAsync(pause);
        }
        else
        {
            await Task.Delay(pause, tools.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        stop.ThrowIfCancellationRequested();
    }

    /// <summary>Delivers a round, subject by subject, and says how each of it stands then.</summary>
    private async ValueTask<List<DeliveryRow>> DeliverAsync(List<DeliveryRow> due, List<LogItem> fresh, CancellationToken stop)
    {
        var now = tools.Time.GetUtcNow();
        var held = _anyWaiting ? await _store.WaitingSubjectsAsync(webhook.WebhookId, [.. fresh.Select(item => item.Subject).Distinct()]) : [];
        var rows = fresh.Where(item => held.Contains(item.Subject)).Select(item => RowOf(item, now)).ToList();
        var lanes = due.Select(row => new List<(DeliveryRow, LogItem?)> { (row, null) })
            .Concat(fresh.Where(item => !held.Contains(item.Subject)).GroupBy(item => item.Subject).Select(lane => lane.Select(item => (RowOf(item, now), (LogItem?)item)).ToList()));
        var secrets = tools.Secrets.InForce(webhook, now);
        try
        {
            await Parallel.ForEachAsync(lanes, new ParallelOptions { MaxDegreeOfParallelism = SideBySide }, async (lane, _) =>
            {
                var done = await DeliverLaneAsync(lane, secrets, stop);
                lock (rows)
                {
                    rows.AddRange(done);
                }
            });
        }
        finally
        {
            foreach (var secret in secrets)
            {
                secret.Dispose();
            }
        }
        return rows;
    }

    /// <summary>Delivers events of one subject in their order; behind one that fails the others wait.</summary>
    private async Task<List<DeliveryRow>> DeliverLaneAsync(List<(DeliveryRow Row, LogItem? Item)> lane, IReadOnlyList<SecretBytes> secrets, CancellationToken stop)
    {
        var done = new List<DeliveryRow>(lane.Count);
        var isHeld = false;
        foreach (var (row, known) in lane)
        {
            var now = isHeld || !lease.IsHeld ? row : await TryAsync(row, known, secrets, stop);
            isHeld |= now.State == DeliveryState.Waiting;
            done.Add(now);
        }
        return done;
    }

    private async Task<DeliveryRow> TryAsync(DeliveryRow row, LogItem? known, IReadOnlyList<SecretBytes> secrets, CancellationToken stop)
    {
        var item = known ?? (await tools.Ledger.Store.FindEntryAsync(row.Seq - 1) is { } stored ? LogItem.Of(stored) : null);
        if (item is null or { IsErased: true })
        {
            return row with { State = DeliveryState.Dead, Error = "the content was erased" };
        }
        try
        {
            var since = tools.Time.GetTimestamp();
            var outcome = await tools.Sender.SendAsync(webhook.Tenant, _url, secrets, WebhookMessage.Of(webhook.WebhookId, item), row.Attempts + 1, stop);
            DeliveryMetrics.Attempted(outcome.Status, outcome.Succeeded, tools.Time.GetElapsedTime(since));
            return After(row, outcome);
        }
        catch (OperationCanceledException)
        {
            return row; // stopping: it waits, and this attempt does not count
        }
    }

    private DeliveryRow After(DeliveryRow row, AttemptOutcome outcome)
    {
        var now = tools.Time.GetUtcNow();
        var tried = row with { Attempts = row.Attempts + 1, FirstAt = row.FirstAt ?? now, LastAt = now, Status = outcome.Status, Error = outcome.Error };
        if (outcome.Succeeded)
        {
            return tried with { State = DeliveryState.Delivered };
        }
        _isGone |= outcome.IsGone;
        _lastError = outcome.Error!;
        return now - tried.FirstAt >= tools.Schedule.GiveUpAfter ? tried with { State = DeliveryState.Dead } : tried with { NextAt = now + tools.Schedule.After(tried.Attempts) };
    }

    private void Judge(List<DeliveryRow> rows, bool anyDelivered)
    {
        _anyWaiting |= rows.Exists(row => row.State == DeliveryState.Waiting);
        var failed = rows.Count(row => row.State != DeliveryState.Delivered && row.LastAt is not null);
        if (anyDelivered)
        {
            _failures = 0;
            return;
        }
        if (_failures < FailuresUntilClosed && _failures + failed >= FailuresUntilClosed)
        {
            _knockAt = tools.Time.GetUtcNow() + (Knock * tools.Policy.RetryScale);
        }
        _failures += failed;
    }

    private async ValueTask<bool> SettleAsync(long cursor, List<DeliveryRow> rows, bool anyDelivered)
    {
        var wasFailing = _failingSince is not null;
        _failingSince = anyDelivered ? null : _failingSince ?? (rows.Exists(row => row.LastAt is not null) ? tools.Time.GetUtcNow() : null);
        _settled = cursor;
        DeliveryMetrics.GaveUp(rows.Count(row => row.State == DeliveryState.Dead));
        return await _store.SettleAsync(new DeliveryRound(webhook, lease.Owner, cursor, _failingSince, rows, AllDue: anyDelivered && wasFailing, tools.Policy.DeliveriesKept));
    }

    /// <summary>Gives the webhook up when it said that it is gone, or took nothing for as long as an event is tried; true when it did.</summary>
    private async ValueTask<bool> DisableAsync(List<DeliveryRow> rows)
    {
        var now = tools.Time.GetUtcNow();
        var isFailing = rows.Exists(row => row.State == DeliveryState.Dead && row.LastAt is not null) && _failingSince is { } since && now - since >= tools.Schedule.GiveUpAfter;
        if (!_isGone && !isFailing)
        {
            return false;
        }
        var span = tools.Ledger.Identity.Sign(
            webhook.Tenant, webhook.Env, "webhook.disabled", "decision", Protocol.MiniContainers.Identifiers.WebhookSubject(webhook.Tenant, webhook.WebhookId), now, json =>
            {
                json.WriteString("webhook_id", webhook.WebhookId);
                json.WriteString("reason", _isGone ? "gone" : "failing");
                json.WriteString("failing_since", Timestamps.Write(_failingSince ?? now));
                json.WriteString("last_error", _lastError);
            });
        await tools.Ledger.AppendOwnAsync([span with { Effects = [new LedgerEffect.WebhookDisabled(webhook.Tenant, webhook.WebhookId)] }], CancellationToken.None);
        return true;
    }

    private static DeliveryRow RowOf(LogItem item, DateTimeOffset now) => new(item.Seq, item.Intent, item.Subject, DeliveryState.Waiting, 0, null, now, null, null, null);
}
