using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>How a gateway learns that another one has extended the log: by a notification, and by looking when none came for a while.</summary>
public sealed partial class PostgresLedgerStore
{
    private const string Channel = "logline_head";
    private static readonly TimeSpan LookAnyway = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <inheritdoc/>
    public Task WatchAsync(Action moved, CancellationToken cancel) => Task.WhenAll(WatchHeadAsync(moved, cancel), WatchStragglersAsync(cancel));

    private async Task WatchHeadAsync(Action moved, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(moved, cancel);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (NpgsqlException)
            {
                // The server is away. Whoever writes learns it, and says it; here it is only tried again.
                moved();
                await Task.Delay(Pause, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ListenAsync(Action moved, CancellationToken cancel)
    {
        await using var connection = await _writers.OpenConnectionAsync(cancel);
        connection.Notification += (_, notification) =>
        {
            if (notification.PID != _writer?.ProcessID)
            {
                moved();
            }
        };
        await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(cancel);
        }
        moved();
        while (true)
        {
            if (!await connection.WaitAsync(LookAnyway, cancel))
            {
                moved();
            }
        }
    }
}
