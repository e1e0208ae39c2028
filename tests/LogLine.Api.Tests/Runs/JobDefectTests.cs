using System.Collections.Concurrent;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Runs;

/// <summary>A worker that meets a defect of its own says so to whoever waits, and does not meet it again with the next lease.</summary>
public sealed class JobDefectTests
{
    [Theory, InlineData(false, "failed"), InlineData(true, "exited")]
    public async Task Primitive_Ends(bool begins, string state)
    {
        var carriedOut = 0;
        async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            carriedOut++;
            if (begins)
            {
                await call.Begun();
            }
            throw new InvalidOperationException("/where/nobody/looks");
        }
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = Pull } };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();

        var answer = await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""");
        var ended = await gateway.RunInAsync(answer.RunId(), "exited", "failed", "cancelled");

        Assert.Equal((state, "internal_error", 1), (ended.Text("state"), ended.Text("reason"), carriedOut));
        Assert.DoesNotContain("/where/nobody/looks", ended.ToString(), StringComparison.Ordinal);
        await gateway.AssertWholeAsync();
    }

    [Theory, InlineData("before create"), InlineData("after create"), InlineData("after start")]
    public async Task Deploy_FailsAndLeavesNothing(string step)
    {
        var fake = new FakeAdapter { Around = (what, _) => what == step ? throw new InvalidOperationException("/where/nobody/looks") : Task.CompletedTask };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");

        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).RunId();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("failed", "internal_error"), (ended.Text("state"), ended.Text("reason")));
        Assert.DoesNotContain("/where/nobody/looks", ended.ToString(), StringComparison.Ordinal);
        Assert.Empty(fake.All);
        await gateway.AssertWholeAsync();
    }

    /// <summary>How far a run is, is not worth what it brings; that it could not be said is a defect all the same.</summary>
    [Fact]
    public async Task ProgressThatCannotBeSaid_CostsNoResult_AndIsLogged()
    {
        static async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Progress(new RunProgress(long.MaxValue, null, "bytes")); // no number that a signed object can have
            return new PrimitiveResult(CanonicalJson.Parse("""{"image":"x"}""").Root);
        }
        var logged = new ConcurrentQueue<string>();
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = Pull } }], adjust: builder =>
            builder.Logging.ClearProviders().AddProvider(new Serilog.Extensions.Logging.SerilogLoggerProvider(new Serilog.LoggerConfiguration().WriteTo.Sink(new Sink(logged)).CreateLogger())));

        var run = (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("exited", "x"), (ended.Text("state"), ended.Member("result").Text("image")));
        Assert.Contains(logged, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains(run, StringComparison.Ordinal));
    }

    private sealed class Sink(ConcurrentQueue<string> lines) : Serilog.Core.ILogEventSink
    {
        public void Emit(Serilog.Events.LogEvent logEvent) => lines.Enqueue($"{logEvent.Level} {logEvent.RenderMessage(System.Globalization.CultureInfo.InvariantCulture)} {logEvent.Exception}");
    }
}
