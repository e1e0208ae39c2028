using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Runs;

/// <summary>Following a command on an engine that gateways share: its stream ends with its run and not before, at whichever gateway it is read.</summary>
public sealed class FollowedCommandTests(PostgresCluster cluster)
{
    private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _dropped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The gateway that carries it out shows it while it runs. Any other one has no more of it than the result, and shows that when the run ends.</summary>
    [Fact]
    public async Task AtAnotherGateway_ItsResultIsShownAndTheStreamEnds()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var engine = Engine();
        var (one, other) = (await shared.StartAsync([engine]), await shared.StartAsync([engine]));
        var run = await ExecAsync(one);
        using var near = await FollowAsync(one, run);
        using var far = await FollowAsync(other, run);
        using (var leaves = await FollowAsync(other, run))
        {
            Assert.Equal("""{"lines":[],"dropped":0}""", (await other.GetAsync($"/v1/runs/{run}/logs")).Body);
        }
        await UntilAsync(near, "\"begun\"");
        _goesOn.SetResult();

        var late = await FollowAsync(other, run); // as it ends, or a moment later
        foreach (var follower in (StreamReader[])[far, late, await FollowAsync(one, run)])
        {
            using (follower)
            {
                var read = await UntilAsync(follower, "event: end");
                Assert.True(read.IndexOf("\"begun\"", StringComparison.Ordinal) is > 0 and var begun && read.IndexOf("\"the end\"", begun, StringComparison.Ordinal) > 0, read);
                Assert.DoesNotContain("event: dropped", read);
            }
        }
        Assert.Contains("\"the end\"", await UntilAsync(near, "event: end"));
        await other.RunInAsync(run, "exited");
        using var afterwards = await FollowAsync(other, run, tail: 1);
        Assert.DoesNotContain("begun", await UntilAsync(afterwards, "event: end"));
        Assert.Equal("""{"lines":["begun","the end"],"dropped":0}""", (await other.GetAsync($"/v1/runs/{run}/logs")).Body);
    }

    /// <summary>The worker loses its lease in the middle of the command: the run goes on to belong to somebody, and the stream ends when that one ends it.</summary>
    [Fact]
    public async Task OfAWorkerThatIsDropped_TheStreamEndsWithTheRun()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync(), [new("LogLine:Leases:Seconds", "2")]);
        var gateway = await shared.StartAsync([Engine()]);
        var store = gateway.Ledger.Store;
        var run = await ExecAsync(gateway);
        using var follower = await FollowAsync(gateway, run);
        await UntilAsync(follower, "\"begun\"");
        do
        {
            await store.ReleaseLeasesAsync("local:"); // the gateway's own worker may be the first to ask
            await store.LeaseRunsAsync("other", LeaseReach.Everything, 10, DateTimeOffset.UtcNow.AddMinutes(10), DateTimeOffset.UtcNow);
        }
        while ((await store.FindRunAsync(run))! is { HasEnded: false, LeaseOwner: not "other" });
        var following = EndAsync();
        await _dropped.Task;
        await Patience.UntilAsync("the end of its job", () => gateway.Services.GetRequiredService<RunOutputs>().Find(run) is null);
        Assert.Equal(RunState.Running, (await store.FindRunAsync(run))!.State);
        await store.ReleaseLeasesAsync("other"); // whoever gets it now ends it

        Assert.Equal((RunState.Exited, "worker_lost"), await following);

        async Task<(RunState State, string? Reason)> EndAsync()
        {
            await UntilAsync(follower, "event: end");
            var ended = (await store.FindRunAsync(run))!;
            return (ended.State, ended.Reason);
        }
    }

    private FakeAdapter Engine() => new()
    {
        Primitives = new Dictionary<string, Primitive>
        {
            ["container.exec"] = async (call, cancel) =>
            {
                await call.Begun();
                call.Said(1, "begun\n"u8.ToArray());
                try
                {
                    await _goesOn.Task.WaitAsync(cancel);
                }
                catch (OperationCanceledException)
                {
                    _dropped.TrySetResult();
                    throw;
                }
                call.Said(1, "the end"u8.ToArray());
                return new PrimitiveResult(CanonicalJson.Parse("""{"stdout":"begun\nthe end","stderr":"","exit_code":0}"""u8).Root);
            },
        },
    };

    /// <summary>A command that runs, in a container of the gateway's.</summary>
    private static async Task<string> ExecAsync(TestGateway gateway)
    {
        await gateway.RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["x"]}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        return run;
    }

    private static async Task<StreamReader> FollowAsync(TestGateway gateway, string run, int tail = 100) =>
        new(await gateway.Client.GetStreamAsync($"/v1/runs/{run}/logs?follow=true&tail={tail}", Cancel));

    /// <summary>Reads until a line contains a text; what was read.</summary>
    private static async Task<string> UntilAsync(StreamReader reader, string text)
    {
        var read = "";
        while (!read.Contains(text, StringComparison.Ordinal))
        {
            read += (await reader.ReadLineAsync(Cancel).AsTask().WaitAsync(TimeSpan.FromMinutes(2), Cancel) ?? throw new InvalidOperationException($"The stream ended without '{text}': {read}")) + "\n";
        }
        return read;
    }
}
