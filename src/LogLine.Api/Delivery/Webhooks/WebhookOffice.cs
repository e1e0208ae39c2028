using LogLine.Api.Delivery.Reading;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>What couriers work with.</summary>
internal sealed record CourierTools(SpanLedger Ledger, SpanReader Reader, WebhookSender Sender, WebhookSecrets Secrets, RetrySchedule Schedule, WebhookPolicy Policy, TimeProvider Time);

/// <summary>
/// Keeps a courier for every active webhook that this gateway holds: leases them, and changes couriers when a span has changed the webhook. One gateway holds a
/// webhook at a time, each of several about as many as the others; when one goes, another one takes over.
/// </summary>
internal sealed class WebhookOffice(CourierTools tools, ILogger<WebhookOffice> logger) : BackgroundService
{
    private const string LocalPrefix = "local:";
    private const int RenewalsInALife = 4;

    private readonly TimeSpan _leaseLife = TimeSpan.FromSeconds(tools.Policy.LeaseSeconds);
    private readonly string _owner = LocalPrefix + Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, CourierPost> _posts = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        tools.Ledger.Committed += Hear;
        try
        {
            // An embedded store is this process's alone, so whoever held a lease in it before is gone. Where others are too, leases run out.
            await TryAsync(() => tools.Ledger.Store.IsShared ? default : tools.Ledger.Store.LeaveWebhooksAsync(LocalPrefix));
            while (!stopping.IsCancellationRequested)
            {
                var changed = Volatile.Read(ref _changed).Task;
                await TryAsync(() => ArrangeAsync(stopping));
                await changed.WaitAsync(_leaseLife / RenewalsInALife, tools.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            tools.Ledger.Committed -= Hear;
            await Task.WhenAll(_posts.Values.Select(post => post.LeaveAsync()));
            await TryAsync(() => tools.Ledger.Store.LeaveWebhooksAsync(_owner));
        }
    }

    private async ValueTask ArrangeAsync(CancellationToken stopping)
    {
        var now = tools.Time.GetUtcNow();
        var asked = tools.Time.GetTimestamp(); // before the store counts from it: the lease is never longer there than here
        var held = (await tools.Ledger.Store.LeaseWebhooksAsync(_owner, now + _leaseLife, now)).ToDictionary(row => row.WebhookId);
        foreach (var post in _posts.Values)
        {
            if (held.ContainsKey(post.Lease.WebhookId))
            {
                post.Lease.Renew(asked);
            }
        }
        await GiveUpAsync([.. _posts.Keys.Where(id => !held.ContainsKey(id))]);
        foreach (var (id, row) in held)
        {
            var known = _posts.GetValueOrDefault(id);
            if (known is null || known.Version != row.Version || known.Work.IsCompleted)
            {
                // The one before has gone before the next one comes: else events of one subject could overtake each other.
                await (known?.LeaveAsync() ?? Task.CompletedTask);
                _posts[id] = Begin(row, new WebhookLease(id, _owner, _leaseLife, asked, tools.Time, stopping));
            }
        }
    }

    /// <summary>Lets others have webhooks, once nothing of this gateway's is on its way to them any more.</summary>
    private async Task GiveUpAsync(List<string> webhookIds)
    {
        foreach (var id in webhookIds)
        {
            _posts.Remove(id, out var post);
            await post!.LeaveAsync();
        }
        if (webhookIds.Count > 0)
        {
            await tools.Ledger.Store.ReleaseWebhooksAsync(_owner, webhookIds);
        }
    }

    private CourierPost Begin(WebhookRow row, WebhookLease lease) =>
        new(row.Version, lease, Task.Run(() => TryAsync(() => new WebhookCourier(row, lease, tools).RunAsync(lease.Ended)), CancellationToken.None));

    private void Hear(CommittedBatch batch)
    {
        if (batch.Touched.Any(touched => touched.Kind == TouchedKind.Webhook))
        {
            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }

    private async Task TryAsync(Func<ValueTask> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // Stopping, or another courier takes over.
        }
        catch (Exception away) when (away is LedgerStoreException or LedgerUnavailableException)
        {
            logger.LogWarning("Webhooks wait until the store answers: {Reason}", away.Message);
        }
        catch (Exception defect)
        {
            logger.LogWarning(defect, "Webhooks met a defect; what was not delivered is tried again.");
        }
    }

    /// <summary>A webhook as it was when its courier began.</summary>
    private sealed record CourierPost(long Version, WebhookLease Lease, Task Work)
    {
        public async Task LeaveAsync()
        {
            await Lease.EndAsync();
            await Work;
            Lease.Dispose();
        }
    }
}
