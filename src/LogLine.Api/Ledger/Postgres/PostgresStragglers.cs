namespace LogLine.Api.Ledger.Postgres;

/// <summary>
/// How gateways are not held up by one that stands still (a paused machine, a stopped process) or is gone without a word, inside a transaction: the row of the head, of a webhook or
/// of a run stays locked as long as its session lives, others wait for it or go around it, and TCP does not notice, since the kernel goes on answering. The server's own timeout
/// for idle transactions does not count between the statements of a pipeline.
/// </summary>
public sealed partial class PostgresLedgerStore
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookForStragglersEvery = TimeSpan.FromSeconds(2);

    // A session of a gateway that has written, or locked rows (it has a transaction id), and that the server has waited for ever since.
    private const string EndStragglers = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND application_name = 'logline' AND pid <> pg_backend_pid()
        AND backend_xid IS NOT NULL AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - $1 * interval '1 millisecond'
        """;

    /// <summary>Ends such sessions, whoever's they are, until it is cancelled.</summary>
    private async Task WatchStragglersAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(LookForStragglersEvery, _time);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(cancel);
                await AllAsync(EndStragglers, row => row.GetBoolean(0), (long)Silence.TotalMilliseconds);
            }
            catch (Exception defect) when (defect is OperationCanceledException or PostgresStoreException)
            {
                // Closing; or the server is away, and its sessions with it.
            }
        }
    }
}
