using LogLine.Api.Delivery.Reading;

namespace LogLine.Api.Tests.Delivery.Reading;

/// <summary>What a reader waits for: nothing that is set is lost, and every wait ends.</summary>
public sealed class ReaderSignalTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact]
    public async Task WhatIsSetBeforehand_HoldsForOneWait()
    {
        using var signal = new ReaderSignal(TimeProvider.System, TestContext.Current.CancellationToken);
        signal.Set();
        signal.Set();

        Assert.True(signal.WaitAsync(Long).AsTask().IsCompletedSuccessfully);
        var next = signal.WaitAsync(Long).AsTask();
        Assert.False(next.IsCompleted);
        signal.Set();
        await next;
    }

    [Fact]
    public async Task WaitEnds_WithItsTime_AlsoBehindALongerOne()
    {
        using var signal = new ReaderSignal(TimeProvider.System, TestContext.Current.CancellationToken);
        signal.Set();
        await signal.WaitAsync(Long);
        await signal.WaitAsync(TimeSpan.FromMilliseconds(1));
        await signal.WaitAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task WaitEnds_WhenTheReaderIsEnded()
    {
        using var ending = new CancellationTokenSource();
        using var signal = new ReaderSignal(TimeProvider.System, ending.Token);
        var wait = signal.WaitAsync(Long).AsTask();
        Assert.False(wait.IsCompleted);

        await ending.CancelAsync();

        await wait;
    }

    [Fact]
    public async Task NothingIsLost_HoweverSetAndWaitMeet()
    {
        const int last = 200_000;
        using var signal = new ReaderSignal(TimeProvider.System, TestContext.Current.CancellationToken);
        var (written, read) = (0, 0);
        var writer = Task.Run(() =>
        {
            for (var i = 1; i <= last; i++)
            {
                Volatile.Write(ref written, i);
                signal.Set();
            }
        }, TestContext.Current.CancellationToken);

        while (read < last)
        {
            await signal.WaitAsync(Long);
            read = Volatile.Read(ref written);
        }

        await writer;
    }
}
