using System.Collections.Concurrent;
using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Workers;

/// <summary>A worker that cannot verify what it is given leaves it, says so to the gateway, and does not ask for it again and again; a wrong clock ends nobody's run.</summary>
public sealed class WorkerClockTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, InlineData(false), InlineData(true)]
    public async Task ClockThatIsAhead_LeavesRunsToARightOne(bool isBegun)
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], role: "gateway", settings: new Dictionary<string, string?> { ["LogLine:Leases:Seconds"] = "2" })).RegisterKeyAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        var clock = new ManualTime(DateTimeOffset.UtcNow);
        var log = new Said();
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var run = (await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web")))).Json.Member("run").Text("run_id")!;
        if (isBegun)
        {
            using var before = Gateway(worker, clock, log);
            await before.OpenAsync(Cancel);
            await TakenAsync(before);
            Assert.True(await before.ReportAsync(run, [new RunReport(RunState.Pending), new RunReport(RunState.Running)], Cancel));
        }

        clock.Advance(TimeSpan.FromMinutes(10));
        using var http = Gateway(worker, clock, log);
        await http.OpenAsync(Cancel);
        await Patience.UntilAsync("a worker that says so and is given nothing", () =>
            log.Lines.Any(line => line.Contains("the clocks of gateway and worker differ", StringComparison.Ordinal)) && gateway.Services.GetRequiredService<WorkerBoard>().Find("fake", "dev") is { Given.IsEmpty: true });
        Assert.Equal(isBegun ? "running" : "planned", (await gateway.GetAsync("/v1/runs/" + run)).Json.Text("state"));

        clock.Advance(TimeSpan.FromMinutes(-10));
        Assert.Equal(run, (await TakenAsync(http)).RunId);
    }

    /// <summary>What is shown as refused is not given again while its lease lasts; what is neither shown nor refused is, since the answer may have been lost.</summary>
    [Fact]
    public async Task RunThatIsRefused_IsNotGivenAgain()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], role: "gateway", settings: new Dictionary<string, string?> { ["LogLine:Leases:Seconds"] = "600" })).RegisterKeyAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var run = (await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web")))).Json.Member("run").Text("run_id")!;

        Assert.Equal(run, (await worker.LeaseAsync(5, 20)).Items("runs").Single().Member("run").Text("run_id"));
        Assert.Single((await worker.LeaseAsync(5, 0)).Items("runs"));
        Assert.Empty((await worker.LeaseAsync(5, 0, $$""","refused":["{{run}}"]""")).Items("runs"));
        Assert.Empty((await worker.LeaseAsync(5, 0)).Items("runs"));
    }

    /// <summary>The span says <c>auto</c>, the run's row what the gateway chose; a proof may say either.</summary>
    [Theory, InlineData(null), InlineData("auto"), InlineData("fake")]
    public async Task Auto_IsWhatTheGatewayChose(string? proven)
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], role: "gateway")).RegisterKeyAsync();
        await using var worker = await EdgeWorker.OpenAsync(gateway);
        var target = proven is null ? null : CanonicalJson.Parse($$"""{"provider":"{{proven}}","service":"web"}""");
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web", proof => proof with { Target = target })).Status);
        var deploy = await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web"), "auto"));
        Assert.True(deploy.Status == HttpStatusCode.OK, deploy.Body);

        var order = (await worker.LeaseAsync(5, 20)).Items("runs").Single();
        Assert.Equal("fake", order.Member("run").Text("provider"));
        Assert.Null(new OrderCheck(worker.Identity, new ServerPin(worker.Folder, worker.SpanKey), TestGateway.Schemas.Value, TimeProvider.System).Verify(order).Problem);
    }

    private static HttpGateway Gateway(EdgeWorker worker, TimeProvider clock, ILogger<HttpGateway> log)
    {
        var pin = new ServerPin(worker.Folder, worker.SpanKey);
        return new HttpGateway(worker.Connection, worker.Identity, new OrderCheck(worker.Identity, pin, TestGateway.Schemas.Value, clock), pin, () => [("fake", [])], new AnsweredLooks(TimeProvider.System), TimeProvider.System, log);
    }

    private static Task<RunRow> TakenAsync(HttpGateway gateway) => Patience.UntilThereAsync("a run", async () => await gateway.LeaseAsync(16, [], Cancel) is [var run, ..] ? run : null);

    private sealed class Said : ILogger<HttpGateway>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));
    }
}
