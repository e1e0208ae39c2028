namespace LogLine.Api.Runs;

/// <summary>An engine that is restarting is waited for, where what it did just before has to be known; one that stays away is not waited for any longer.</summary>
internal static class EnginePatience
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Asks until the engine answers.</summary>
    /// <exception cref="AdapterException">It refused, or stayed away.</exception>
    public static async Task<T> OutlastAsync<T>(Func<Task<T>> ask, TimeProvider time, CancellationToken stopping)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (AdapterException failure) when (failure.Failure == AdapterFailure.Unavailable && time.GetElapsedTime(since) < Longest)
            {
                await Task.Delay(Pause, time, stopping);
            }
        }
    }
}
