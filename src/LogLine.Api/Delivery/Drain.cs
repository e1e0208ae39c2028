namespace LogLine.Api.Delivery;

/// <summary>
/// How a gateway leaves without anybody losing anything: told to stop, it says so on <c>/healthz/ready</c> and goes on serving for a while; streams move one after the other; then
/// it takes no more connections, and what is being committed is finished and answered.
/// </summary>
internal sealed class Drain(IHostApplicationLifetime life, Func<TimeSpan> lasts, TimeProvider time) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _begun = new();
    private readonly CancellationTokenSource _over = new();

    /// <summary>True once it was told to stop.</summary>
    public bool HasBegun => _begun.IsCancellationRequested || life.ApplicationStopping.IsCancellationRequested;

    /// <summary>Ends what would otherwise never end.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>Ends a stream somewhere on the way, so that not all readers come back to the other gateways at once.</summary>
    public CancellationTokenRegistration Spread(CancellationTokenSource stream) =>
        life.ApplicationStopping.Register(() => stream.CancelAfter(lasts() * Random.Shared.NextDouble()));

    /// <summary>Serves on for as long as it lasts.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _begun.CancelAsync();
        await Task.Delay(lasts(), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _over.CancelAsync();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _begun.Dispose();
        _over.Dispose();
    }
}

/// <summary>Puts it in place.</summary>
internal static class Drains
{
    // What is in flight when it is over may take so long.
    private static readonly TimeSpan Finishing = TimeSpan.FromSeconds(8);

    /// <summary>Registers it, and gives the host the time for it.</summary>
    public static void AddDrain(this IServiceCollection services, Func<TimeSpan> lasts)
    {
        services.AddSingleton(provider => new Drain(provider.GetRequiredService<IHostApplicationLifetime>(), lasts, provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
        services.AddOptions<HostOptions>().Configure(host => host.ShutdownTimeout = lasts() + Finishing);
    }
}
