using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>A worker runs for months: what a run has needed goes with it.</summary>
public sealed class RunMemoryTests
{
    [Fact]
    public async Task RunThatHasEnded_LeavesNothingBehind()
    {
        var marks = new ConcurrentQueue<WeakReference>();
        var fake = new FakeAdapter { ExitsAtOnce = 0 };
        fake.Around = (what, cancel) =>
        {
            if (what == "before create")
            {
                marks.Enqueue(Mark(cancel));
            }
            return Task.CompletedTask;
        };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        for (var count = 0; count < 3; count++)
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
            var deploy = await gateway.PostAsync(TestGateway.Deploy(reference, service: $"web{count}"));
            await gateway.RunInAsync(deploy.Json.Member("run").Text("run_id")!, "exited", "failed");
        }
        Assert.InRange(marks.Count, 3, 6);

        for (var since = Stopwatch.GetTimestamp(); marks.Any(mark => mark.IsAlive);)
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromMinutes(1), "What a run was cancelled by is still held on to.");
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Something that lives for as long as the run's token can still be cancelled by somebody.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Mark(CancellationToken run)
    {
        var mark = new object();
        run.UnsafeRegister(static _ => { }, mark);
        return new WeakReference(mark);
    }
}
