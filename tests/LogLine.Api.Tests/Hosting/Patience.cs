using System.Diagnostics;

namespace LogLine.Api.Tests.Hosting;

/// <summary>Waits that last as long as the slowest machine may need, and not for ever: then the test fails and says what never came.</summary>
internal static class Patience
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when something holds.</summary>
    public static Task UntilAsync(string what, Func<bool> holds) => UntilAsync(what, () => Task.FromResult(holds()));

    /// <inheritdoc cref="UntilAsync(string, Func{bool})"/>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        for (var since = Stopwatch.GetTimestamp(); !await holds(); await Task.Delay(Pause, TimeProvider.System, TestContext.Current.CancellationToken))
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Limit, $"{what} never came to be");
        }
    }

    /// <summary>Asks until there is an answer.</summary>
    public static async Task<T> UntilThereAsync<T>(string what, Func<Task<T?>> ask) where T : class
    {
        T? answer = null;
        await UntilAsync(what, async () => (answer = await ask()) is not null);
        return answer!;
    }

    /// <summary>Sends the same again while the gateway says that it is busy, as a client does; the answer that says something else.</summary>
    public static Task<Answer> WhileBusyAsync(Func<Task<Answer>> send) => UntilThereAsync("an answer other than 503_BUSY", async () => await send() is { Code: not "503_BUSY" } answer ? answer : null);
}
