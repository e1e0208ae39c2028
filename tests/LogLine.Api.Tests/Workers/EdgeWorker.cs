using System.Collections.Concurrent;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Workers;

/// <summary>A worker in this process, over HTTP at a gateway of the role <c>gateway</c>. Its keys, connection and desk are a worker's own; its engine, <c>fake</c>, and its logs are the test's.</summary>
internal sealed class EdgeWorker : IAsyncDisposable
{
    private readonly Uri _gateway;
    private readonly CancellationTokenSource _stop = new();
    private Task _polling = Task.CompletedTask;

    private EdgeWorker(TestGateway gateway, string token)
    {
        _gateway = new Uri(gateway.Client.BaseAddress!, "/");
        Folder = DataFolder.Open(Directory.CreateTempSubdirectory("logline-edge-").FullName);
        Identity = WorkerIdentity.Open(Folder, "edge");
        Connection = new GatewayConnection(new WorkerOptions { Gateway = _gateway.ToString(), Token = token, Name = "edge" }, Identity, TimeProvider.System);
    }

    public DataFolder Folder { get; }

    public WorkerIdentity Identity { get; }

    public GatewayConnection Connection { get; }

    /// <summary>What it says that it carries out on its engine.</summary>
    public IReadOnlyList<string> Effects { get; init; } = [];

    /// <summary>The gateway's span key, as it said itself.</summary>
    public string? SpanKey { get; private set; }

    /// <summary>Kinds of the questions that came.</summary>
    public ConcurrentQueue<string?> Asked { get; } = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A gateway whose only engine, <c>fake</c>, is with workers.</summary>
    public static Task<TestGateway> GatewayAsync(params (string Name, string Value)[] settings) => GatewayAsync(null, settings);

    /// <inheritdoc cref="GatewayAsync(ValueTuple{string, string}[])"/>
    public static async Task<TestGateway> GatewayAsync(TimeProvider? time, params (string Name, string Value)[] settings) => await (await TestGateway.StartAsync(
        time: time, role: "gateway", settings: settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value),
        adjust: builder => builder.Services.AddSingleton(provider => new RunTargets([new RemoteTarget("fake", provider.GetRequiredService<WorkerBoard>())], provider.GetRequiredService<TimeProvider>())))).RegisterKeyAsync();

    /// <summary>Registers, with a token of the first tenant or with <paramref name="token"/>, for what it carries out on its engine.</summary>
    public static async Task<EdgeWorker> OpenAsync(TestGateway gateway, string? token = null, params IReadOnlyList<string> effects)
    {
        token ??= (await gateway.PostAsync("""{"scopes":["runner"]}""", path: "/v1/tokens")).Json.Text("api_key")!;
        var worker = new EdgeWorker(gateway, token) { Effects = effects };
        var welcome = await worker.Connection.SendAsync(HttpMethod.Post, "v1/workers", worker.Identity.Announce(fresh: true, DateTimeOffset.UtcNow).Utf8.ToArray(), Cancel);
        Assert.True(welcome.IsOk, welcome.ToString());
        worker.SpanKey = welcome.Body.Text("span_public_key");
        return worker;
    }

    /// <summary>A desk that answers questions as a worker's does.</summary>
    public QuestionDesk Desk(FakeAdapter engine, IRunLogs logs) => new(Connection, new RunTargets([engine], TimeProvider.System), logs, new AnsweredLooks(TimeProvider.System), TimeProvider.System, NullLogger<QuestionDesk>.Instance);

    /// <summary>Asks for questions, and no runs, from now on; the gateway knows of it when this is done.</summary>
    public async Task ServeAsync(Action<Uri, JsonElement> answer)
    {
        Take(await LeaseAsync(0, 0), answer);
        _polling = Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                Take(await LeaseAsync(0, 20), answer);
            }
        }, Cancel);
    }

    /// <summary>Answers as a worker does.</summary>
    public Task ServeAsync(QuestionDesk desk) => ServeAsync((gateway, question) => desk.Take(gateway, question, _stop.Token));

    /// <summary>Answers each question with what it is given for its kind.</summary>
    public Task ServeAsync(IReadOnlyDictionary<string, string> answers) => ServeAsync((gateway, question) => _ = Task.Run(async () =>
    {
        using var content = new StringContent(answers[question.Text("kind")!]);
        await Connection.PushAsync(gateway, "v1/workers/answers/" + question.Text("id"), content, _stop.Token);
    }, Cancel));

    /// <summary>One request for work.</summary>
    public async Task<JsonElement> LeaseAsync(int limit, int wait, string members = "")
    {
        var body = $$"""{"limit":{{limit}},"wait_s":{{wait}}{{members}},"targets":[{"provider":"fake","effects":{{JsonSerializer.Serialize(Effects)}}}]}""";
        var answer = await Connection.TryAsync(_gateway, HttpMethod.Post, "v1/runs/lease", System.Text.Encoding.UTF8.GetBytes(body), TimeSpan.FromMinutes(2), _stop.Token);
        Assert.True(answer.IsOk, answer.ToString());
        return answer.Body;
    }

    private void Take(JsonElement answer, Action<Uri, JsonElement> act)
    {
        foreach (var question in answer.Items("questions"))
        {
            Asked.Enqueue(question.Text("kind"));
            act(_gateway, question);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_polling);
        Connection.Dispose();
        Identity.Dispose();
        Folder.Dispose();
        Directory.Delete(Folder.Path, recursive: true);
    }
}
