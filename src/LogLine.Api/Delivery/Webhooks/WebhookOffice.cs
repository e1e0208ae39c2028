using LogLine.Api.Delivery.Reading;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>What couriers work with.</summary>
internal sealed record CourierTools(SpanLedger Ledger, SpanReader Reader, WebhookSender Sender, WebhookSecrets Secrets, RetrySchedule Schedule, WebhookPolicy Policy, TimeProvider Time);

/// <summary>
/// Keeps a courier for every active webhook that this gateway holds: leases them, and changes couriers when a span has changed the webhook. One gateway holds a
/// webhook at a time; when it goes, another one takes over.
/// </summary>
internal sealed class WebhookOffice(CourierTools tools, ILogger<WebhookOffice> logger) : BackgroundService
{
    private const string LocalPrefix = "local:";
    private static readonly TimeSpan LeaseLife = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    private readonly string _owner = LocalPrefix + Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, Post> _posts = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        tools.Ledger.Committed += Hear;
        try
        {
            // This process alone has the data folder, so whoever held a lease in it before is gone.
            await TryAsync(() => tools.Ledger.Store.ReleaseWebhooksAsync(LocalPrefix));
            while (!stopping.IsCancellationRequested)
            {
                var changed = Volatile.Read(ref _changed).Task;
                await TryAsync(() => ArrangeAsync(stopping));
                await changed.WaitAsync(RenewEvery, tools.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            tools.Ledger.Committed -= Hear;
            await Task.WhenAll(_posts.Values.Select(post => post.Work));
        }
    }

    private async ValueTask ArrangeAsync(CancellationToken stopping)
    {
        var now = tools.Time.GetUtcNow();
        var held = (await tools.Ledger.Store.LeaseWebhooksAsync(_owner, now + LeaseLife, now)).ToDictionary(row => row.WebhookId);
        foreach (var (id, post) in _posts.Where(post => !held.ContainsKey(post.Key)).ToList())
        {
            await post.LeaveAsync();
            _posts.Remove(id);
        }
        foreach (var (id, row) in held)
        {
            var known = _posts.GetValueOrDefault(id);
            if (known is null || known.Version != row.Version || known.Work.IsCompleted)
            {
                // The one before has gone before the next one comes: else events of one subject could overtake each other.
                await (known?.LeaveAsync() ?? Task.CompletedTask);
                _posts[id] = Begin(row, stopping);
            }
        }
    }

    private Post Begin(WebhookRow row, CancellationToken stopping)
    {
        var leaving = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        return new Post(row.Version, leaving, Task.Run(() => TryAsync(() => new WebhookCourier(row, _owner, tools).RunAsync(leaving.Token)), CancellationToken.None));
    }

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
        catch (Exception defect)
        {
            logger.LogWarning(defect, "Webhooks met a defect; what was not delivered is tried again.");
        }
    }

    /// <summary>A webhook as it was when its courier began.</summary>
    private sealed record Post(long Version, CancellationTokenSource Leaving, Task Work)
    {
        public async Task LeaveAsync()
        {
            await Leaving.CancelAsync();
            await Work;
            Leaving.Dispose();
        }
    }
}
