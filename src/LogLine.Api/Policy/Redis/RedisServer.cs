using StackExchange.Redis;

namespace LogLine.Api.Policy.Redis;

/// <summary>
/// The Redis beside the store, for what gateways share and may lose (docs/decisions/012-redis.md). It is never the authority and never waited for: a call that is not answered within
/// <see cref="MaxWait"/> counts as not answered, and none is made until Redis has answered a probe again.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    /// <summary>How long a call may take.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(500);
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _probing = Task.CompletedTask;
    private volatile IDatabase? _database;

    /// <summary>Connects in the background, so that a gateway starts without it.</summary>
    /// <param name="connection">A connection string of StackExchange.Redis; null for no Redis.</param>
    /// <param name="time">For pauses.</param>
    /// <param name="logger">Says when it goes and comes back.</param>
    /// <exception cref="RedisOptionsException">The connection string cannot be read.</exception>
    public RedisServer(string? connection, TimeProvider time, ILogger<RedisServer> logger)
    {
        (_time, _logger) = (time, logger);
        if (string.IsNullOrWhiteSpace(connection))
        {
            return;
        }
        IsUsed = true;
        Away = "not connected yet";
        _probing = ProbeAsync(Read(connection));
    }

    /// <summary>True when there is to be one.</summary>
    public bool IsUsed { get; }

    /// <summary>Why it is not asked now; null while it answers.</summary>
    public string? Away { get; private set => Volatile.Write(ref field, value); }

    /// <summary>Asks it; false when there is no answer, whatever the reason: then the caller goes on without.</summary>
    public async ValueTask<(bool Answered, T? Answer)> TryAsync<T>(Func<IDatabase, Task<T>> ask)
    {
        if (!IsUsed || Away is not null || _database is not { } database)
        {
            return default;
        }
        try
        {
            return (true, await ask(database).WaitAsync(MaxWait, _time));
        }
        catch (Exception defect) when (IsItsFault(defect))
        {
            Leave(defect);
            return default;
        }
    }

    /// <summary>Asks now and then whether it takes and keeps things. Connections that break are mended by the client itself.</summary>
    private async Task ProbeAsync(ConfigurationOptions options)
    {
        ConnectionMultiplexer? connections = null;
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                connections ??= await ConnectionMultiplexer.ConnectAsync(options);
                _database = connections.GetDatabase();
                await _database.StringSetAsync("logline:probe", 1, TimeSpan.FromMinutes(1)).WaitAsync(MaxWait, _time);
                if (Away is not null)
                {
                    Away = null;
                    _logger.LogInformation("Redis answers.");
                }
            }
            catch (Exception defect) when (IsItsFault(defect))
            {
                Leave(defect);
            }
            await Task.Delay(ProbeEvery, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        connections?.Dispose();
    }

    private void Leave(Exception defect)
    {
        var why = defect is TimeoutException ? $"no answer within {MaxWait.TotalMilliseconds:0} ms" : defect is RedisServerException refused ? "it refuses: " + refused.Message : "no connection";
        if (Away is null)
        {
            _logger.LogWarning("Redis is not asked until it answers again: {Reason}.", why);
        }
        Away = why;
    }

    private static bool IsItsFault(Exception defect) => defect is RedisException or TimeoutException or ObjectDisposedException or IOException or System.Net.Sockets.SocketException;

    private static ConfigurationOptions Read(string connection)
    {
        try
        {
            var options = ConfigurationOptions.Parse(connection);
            options.AbortOnConnectFail = false;
            options.ConnectTimeout = 1000;
            options.ClientName = "logline";
            return options.EndPoints.Count > 0 ? options : throw new ArgumentException("it names no server");
        }
        catch (ArgumentException defect)
        {
            throw new RedisOptionsException("LogLine:Redis must be a connection string of StackExchange.Redis, for example 'redis.internal:6379,password=…': " + defect.Message);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _probing;
        _closing.Dispose();
    }
}

/// <summary>What the configuration says of Redis cannot be; the message says why.</summary>
public sealed class RedisOptionsException(string message) : Exception(message);
