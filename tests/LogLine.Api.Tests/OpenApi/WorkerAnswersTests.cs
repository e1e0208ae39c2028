using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.OpenApi;

/// <summary>The routes of the worker protocol, called in the order in which a worker calls them, answer as their words say. Elsewhere each says that nobody is served by it.</summary>
public sealed class WorkerAnswersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryRoute_AnswersAsDocumented()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], role: "gateway")).RegisterKeyAsync();
        using var worker = await Caller.OpenAsync(gateway);

        await worker.CallAsync("registerWorker", HttpMethod.Post, "/v1/workers", TestGateway.Text(worker.Identity.Announce(fresh: true, gateway.Time.GetUtcNow())));
        Assert.Equal(System.Net.HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var deploy = (await gateway.PostAsync(TestGateway.Deploy(await gateway.ApplyAsync("web")))).Json;
        var run = deploy.Member("run").Text("run_id")!;
        const string Wish = """{"limit":5,"wait_s":20,"held":{},"targets":[{"provider":"fake","effects":["container.exec"]}]}""";
        Assert.Equal(run, (await worker.CallAsync("leaseRuns", HttpMethod.Post, "/v1/runs/lease", Wish)).Items("runs").Single().Member("run").Text("run_id"));
        await worker.CallAsync("getWorkOrder", HttpMethod.Get, $"/v1/runs/{run}/order");
        Assert.Equal([run], (await worker.CallAsync("renewLeases", HttpMethod.Post, "/v1/runs/leases", $$"""{"runs":["{{run}}"]}""")).Texts("held"));
        var reported = await worker.CallAsync("reportRun", HttpMethod.Post, $"/v1/runs/{run}/reports", $$"""{"spans":[{{worker.Pending(run)}}]}""");
        Assert.Equal("pending", reported.Member("run").Text("state"));
        await worker.CallAsync("hasGroupEnded", HttpMethod.Get, $"/v1/runs/{run}/ended/task/t1");
        var hash = ContentHash.Of(DocumentedAnswers.Bytes);
        await worker.CallAsync("keepRunArtifact", HttpMethod.Put, $"/v1/runs/{run}/artifacts/{hash}", DocumentedAnswers.Bytes);
        await worker.CallAsync("readRunArtifact", HttpMethod.Get, $"/v1/runs/{run}/artifacts/{hash}");

        var leasing = worker.CallAsync("leaseRuns", HttpMethod.Post, "/v1/runs/lease", $$"""{"limit":0,"wait_s":20,"held":{"{{run}}":"pending"},"targets":[{"provider":"fake","effects":[]}]}""");
        var board = gateway.Services.GetRequiredService<WorkerBoard>();
        await Patience.UntilAsync("the worker is there", () => board.Find("fake", null) is not null); // on a busy machine its first words are forgotten by now
        var asked = board.AskAsync("fake", null, "status", _ => { }, TimeSpan.FromMinutes(2), Cancel);
        var question = (await leasing).Items("questions").Single().Text("id");
        await worker.CallAsync("answerQuestion", HttpMethod.Post, $"/v1/workers/answers/{question}", """{"result":{"available":true}}""");
        Assert.True((await asked).Flag("available"));
        Assert.Empty(worker.Uncalled());
    }

    [Fact]
    public async Task GatewayThatCarriesRunsOutItself_ServesNoWorker_AndSaysSo()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);
        using var worker = await Caller.OpenAsync(gateway);
        foreach (var (method, path) in new[] { (HttpMethod.Post, "/v1/workers"), (HttpMethod.Post, "/v1/runs/lease"), (HttpMethod.Get, "/v1/runs/run_0/order") })
        {
            using var answer = await worker.SendAsync(method, path, method == HttpMethod.Get ? null : "{}");
            Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Contains("workers_not_apart", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }
    }

    /// <summary>A worker of the test's own, that holds every answer to the words of its route.</summary>
    private sealed class Caller : IDisposable
    {
        private readonly HttpClient _client = new();
        private readonly DataFolder _folder = DataFolder.Open(Directory.CreateTempSubdirectory("logline-caller-").FullName);
        private readonly Dictionary<string, RouteDoc> _words;
        private readonly HashSet<string> _called = [];

        private Caller(TestGateway gateway, string token)
        {
            Identity = WorkerIdentity.Open(_folder, "edge");
            _words = new DocumentedAnswers(gateway, new Dictionary<string, string>()).Routes.Select(route => route.Words).Where(words => words.Tag == RouteTags.Workers).ToDictionary(words => words.Id);
            _client.BaseAddress = gateway.Client.BaseAddress;
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", token);
            _client.DefaultRequestHeaders.Add(WorkerWire.Header, Identity.Id);
        }

        public WorkerIdentity Identity { get; }

        public static async Task<Caller> OpenAsync(TestGateway gateway) =>
            new(gateway, (await gateway.PostAsync("""{"scopes":["runner"]}""", path: "/v1/tokens")).Json.Text("api_key")!);

        public IEnumerable<string> Uncalled() => _words.Keys.Except(_called);

        public string Pending(string run) => Encoding.UTF8.GetString(new SpanDraft
        {
            Intent = "run_state.pending", Subject = "urn:minicontainer:dev/web", EntityType = "function", Actor = "edge", Ts = DateTimeOffset.UtcNow,
            Payload = json =>
            {
                json.WriteString("kind", "run_state/pending.v1");
                json.WriteString("run_id", run);
                json.WriteString("worker", "edge");
            },
        }.Sign(Identity.Kid, Identity.Key, SignatureKind.Event).Utf8);

        public async Task<JsonElement> CallAsync(string id, HttpMethod method, string path, object? body = null)
        {
            _called.Add(id);
            using var answer = await SendAsync(method, path, body);
            Assert.Null(await DocumentedAnswers.FaultAsync(_words[id], answer));
            return answer.Content.Headers.ContentType?.MediaType == "application/json" ? JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancel)) : default;
        }

        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body)
        {
            using var request = new HttpRequestMessage(method, path)
            {
                Content = body switch { null => null, byte[] bytes => new ByteArrayContent(bytes), var text => new StringContent((string)text, Encoding.UTF8, "application/json") },
            };
            return await _client.SendAsync(request, Cancel);
        }

        public void Dispose()
        {
            _client.Dispose();
            Identity.Dispose();
            _folder.Dispose();
            Directory.Delete(_folder.Path, recursive: true);
        }
    }
}
