using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Workers;

/// <summary>
/// How often a worker apart looks at a container for one primitive: once for the gate, and once more right before it acts, unless the first look was its own, a moment ago, for this very run, and is all that it needs to know.
/// </summary>
public sealed class WorkerLookTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("container.exec", ""","argv":["true"]""", 0, 1), InlineData("container.logs", "", 0, 1), InlineData("container.stop", "", 0, 2)]
    [InlineData("container.exec", ""","argv":["true"]""", 20, 2), InlineData("container.logs", "", 20, 2)]
    public async Task Primitive_LooksAsOftenAsItMust(string intent, string members, int stepMs, int expected)
    {
        string? entered = null;
        Task<PrimitiveResult> Note(PrimitiveCall call, CancellationToken cancel)
        {
            entered = call.Workload!.RunId;
            return Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root));
        }
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { [intent] = Note } };
        await using var gateway = await EdgeWorker.GatewayAsync();
        await using var worker = await StartAsync(gateway, fake, new SteppingClock(stepMs));
        var made = await fake.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_earlier", Image = "x" }, Cancel);
        await fake.StartAsync(made.Id, Cancel);
        var looks = 0;
        fake.Look = found => Interlocked.Increment(ref looks) == 1 ? found! with { RunId = "run_first_look" } : found;

        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web"{{members}}} }""", request => request.Headers.Add("Prefer", "wait=30"));

        Assert.Equal("exited", answer.Json.Member("run").Text("state"));
        Assert.Equal((expected, expected == 1 ? "run_first_look" : "run_earlier"), (looks, entered));
        var said = (await gateway.PostAsync($$"""{"run_id":"{{answer.Json.Member("run").Text("run_id")}}"}""", path: "/v1/spans/query")).Json.Items("items");
        Assert.Equal([intent, "run_state.pending", "run_state.running", "run_state.exited"], said.Select(span => span.Text("intent")));
    }

    /// <summary>What was seen for one run and container is nobody else's; it is used once, and forgotten when it is old.</summary>
    [Fact]
    public void Look_IsThatOfItsRunAndContainer_AndOfItsMoment()
    {
        var looks = new AnsweredLooks(new SteppingClock(0));
        static AnsweredLook Look(string name, int ageMs = 0) => new("fake", "dev", name, new SeenWorkload(null, -ageMs));
        static RunRow Run(string runId, string name) => new()
        {
            RunId = runId, Tenant = "dev", Env = "prod", Intent = "container.inspect", Subject = "urn:container:dev/" + name, Provider = "fake", Service = name, Target = "{}", Span = "urn:span:x", State = RunState.Planned, CreatedAt = DateTimeOffset.UnixEpoch, Detail = "{}",
        };

        looks.Note("run_1", Look("web"));
        looks.Note("run_2", Look("web"));
        Assert.Null(looks.SeenIn(Run("run_3", "web")));
        Assert.Null(looks.SeenIn(Run("run_1", "another")));
        Assert.NotNull(looks.SeenIn(Run("run_2", "web")));
        Assert.Null(looks.SeenIn(Run("run_2", "web")));

        looks.Note("run_4", Look("web", (int)SeenWorkload.Life.TotalMilliseconds));
        looks.Note("run_5", Look("web"));
        Assert.Null(looks.SeenIn(Run("run_4", "web")));
        for (var count = 0; count < 1000; count++)
        {
            looks.Note($"run_many_{count}", Look("web"));
        }
        Assert.Equal(AnsweredLooks.Most, looks.Count);
    }

    private static async Task<RunningWorker> StartAsync(TestGateway gateway, FakeAdapter engine, TimeProvider clock)
    {
        var folder = Directory.CreateTempSubdirectory("logline-looks-").FullName;
        var token = (await gateway.PostAsync("""{"scopes":["runner"]}""", path: "/v1/tokens")).Json.Text("api_key")!;
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = folder });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.AddWorker(folder, new GatewayOptions().Schemas, new WorkerOptions { Gateway = gateway.Client.BaseAddress!.ToString(), Token = token, Name = "edge" }, new RunnerOptions(), [engine]);
        builder.Services.AddSingleton(clock);
        var app = builder.Build();
        app.OpenWorker();
        await app.StartAsync(Cancel);
        await Patience.UntilAsync("the worker", () => gateway.Services.GetRequiredService<WorkerBoard>().Find("fake", "dev") is not null);
        return new RunningWorker(app, folder);
    }

    private sealed class RunningWorker(WebApplication app, string folder) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
