using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Runs;

/// <summary>Engines are looked at as often as what they say of themselves asks for, and no more often.</summary>
public sealed class EngineWatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>With one a look is a process: it is left alone while the other is looked at again and again.</summary>
    [Fact]
    public async Task EngineThatIsDearToAsk_IsAskedSeldom()
    {
        var (cheap, dear) = (new FakeAdapter("cheap") { StatusLife = TimeSpan.FromMilliseconds(20) }, new FakeAdapter("dear") { StatusLife = TimeSpan.FromHours(1) });
        var targets = new RunTargets([cheap, dear], TimeProvider.System);
        using var watch = new EngineWatch(targets, TimeProvider.System, NullLogger<EngineWatch>.Instance);
        await watch.StartAsync(Cancel);
        while (cheap.Asked < 10)
        {
            await Task.Delay(1, Cancel);
        }
        Assert.Equal(1, dear.Asked);
        Assert.True((await targets.For("dev").StatusAsync("dear", Cancel)).Available);
        Assert.Equal(1, dear.Asked); // what it said holds
        await watch.StopAsync(Cancel);
    }

    [Fact]
    public async Task EngineThatGoesAndComesBack_IsLoggedOnceEachTime()
    {
        var (engine, log) = (new FakeAdapter("fake") { IsDown = true, StatusLife = TimeSpan.FromMilliseconds(20) }, new Lines());
        using var watch = new EngineWatch(new RunTargets([engine], TimeProvider.System), TimeProvider.System, log);
        await watch.StartAsync(Cancel);
        await LooksAsync(engine);
        engine.IsDown = false;
        await LooksAsync(engine);
        await watch.StopAsync(Cancel);
        Assert.Equal(["Warning fake does not answer: the fake is down", "Information fake answers: 1 at memory"], log.Said);
    }

    /// <summary>Who never had it and never spoke of it is told nothing; who had it is.</summary>
    [Fact]
    public async Task EngineThatNobodyMayWant_IsMissedOnlyOnceItWasThere()
    {
        var (engine, log) = (new FakeAdapter("fake") { IsDown = true, IsOptional = true, StatusLife = TimeSpan.FromMilliseconds(20) }, new Lines());
        using var watch = new EngineWatch(new RunTargets([engine], TimeProvider.System), TimeProvider.System, log);
        await watch.StartAsync(Cancel);
        await LooksAsync(engine);
        var seen = Assert.Single(await watch.SeenAsync(Cancel));
        engine.IsDown = false;
        await LooksAsync(engine);
        engine.IsDown = true;
        await LooksAsync(engine);
        await watch.StopAsync(Cancel);
        Assert.Equal((false, "the fake is down"), (seen.Status.Available, seen.Status.Reason));
        Assert.Equal(["Debug fake does not answer: the fake is down", "Information fake answers: 1 at memory", "Warning fake does not answer: the fake is down"], log.Said);
    }

    private static async Task LooksAsync(FakeAdapter engine)
    {
        for (var until = engine.Asked + 4; engine.Asked < until;)
        {
            await Task.Delay(1, Cancel);
        }
    }

    private sealed class Lines : ILogger<EngineWatch>
    {
        private readonly List<string> _said = [];

        public IReadOnlyList<string> Said
        {
            get
            {
                lock (_said)
                {
                    return [.. _said];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_said)
            {
                _said.Add($"{logLevel} {formatter(state, exception)}");
            }
        }
    }
}
