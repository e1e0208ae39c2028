namespace LogLine.Api.Delivery.Webhooks;

/// <summary>
/// For how long this gateway may deliver to a webhook. It ends by the machine's own clock, also while the process stands still, so that one that was paused sends nothing
/// once it goes on: by then another gateway has the webhook.
/// </summary>
internal sealed class WebhookLease(string webhookId, string owner, TimeSpan life, long since, TimeProvider time, CancellationToken stopping) : IDisposable
{
    private readonly CancellationTokenSource _ended = Begin(life, since, time, stopping);
    private long _since = since;

    /// <summary>The webhook.</summary>
    public string WebhookId => webhookId;

    /// <summary>Who has it.</summary>
    public string Owner => owner;

    /// <summary>Ends what is on its way.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>True while it lasts; asked right before anything is sent, since a timer may be late.</summary>
    public bool IsHeld => !_ended.IsCancellationRequested && time.GetElapsedTime(Volatile.Read(ref _since)) < life;

    /// <summary>It was renewed at <paramref name="at"/>, a timestamp of the clock's.</summary>
    public void Renew(long at)
    {
        Volatile.Write(ref _since, at);
        _ended.CancelAfter(Left(life, at, time));
    }

    /// <summary>Ends it now.</summary>
    public Task EndAsync() => _ended.CancelAsync();

    private static CancellationTokenSource Begin(TimeSpan life, long since, TimeProvider time, CancellationToken stopping)
    {
        var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        ended.CancelAfter(Left(life, since, time));
        return ended;
    }

    private static TimeSpan Left(TimeSpan life, long since, TimeProvider time)
    {
        var left = life - time.GetElapsedTime(since);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public void Dispose() => _ended.Dispose();
}
