using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Each call of the store fails, before it has done anything or after it has done all of it, while requests come: what was acked is there once, and a retry gets the one Ack.</summary>
public abstract class StoreFaultContract : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-faults-").FullName;
    private readonly StoreFaults _faults = new();
    private TestGateway? _gateway;
    private SpanLedger? _ledger;
    private string? _apiKey;
    private readonly HashSet<string> _refused = [];
    private int _sent;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected abstract Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys);

    [Fact]
    public async Task CallThatFails_TakesNoAckBack_AndDoublesNothing()
    {
        await StartAsync();
        await RoundAsync("no call");
        string[] calls = [.. _faults.Seen.Keys.Order()];
        Assert.Superset(new HashSet<string> { "BeginAsync", "WriteAsync", "CommitAsync", "FindSpanAsync", "HasNonceAsync", "FindKeyBindingAsync", "ReadEntriesAsync", "ScanAsync" }, calls.ToHashSet());

        foreach (var call in calls)
        {
            foreach (var fault in Enum.GetValues<StoreFault>())
            {
                _faults.Arm(call, fault);
                await RoundAsync($"{call} {fault}");
            }
        }
        // And when the store does not even say what came of a commit.
        foreach (var fault in Enum.GetValues<StoreFault>())
        {
            _faults.Arm(nameof(ILedgerTransaction.CommitAsync), fault, times: 1);
            _faults.Arm(nameof(ILedgerStore.SettledCheckpointAsync), StoreFault.NotPersisted);
            await RoundAsync($"commit {fault}, not known");
        }

        Assert.Superset(new HashSet<string> { "BeginAsync NotPersisted", "WriteAsync PersistedAnyway", "CommitAsync NotPersisted", "HasNonceAsync NotPersisted", "ScanAsync PersistedAnyway" }, _refused);
        var spans = (await _ledger!.Store.ReadEntriesAsync(0, 100_000)).Count(stored => SpanDocument.View(CanonicalJson.Parse(stored.Span)).Intent == "registry.person.create");
        Assert.Equal(_sent, spans);
        await LedgerLoadTests.AssertWholeLogAsync(_ledger);
    }

    private async Task StartAsync()
    {
        await StopAsync();
        Directory.CreateDirectory(Path.Combine(_folder, "keys"));
        var keys = ServerKeys.Open(Path.Combine(_folder, "keys"), create: _apiKey is null);
        _ledger = await SpanLedger.OpenAsync(FaultyStore.Around(await OpenAsync(_folder, keys), _faults), keys, Path.Combine(_folder, "published"), TimeProvider.System, 4096, NullLogger<SpanLedger>.Instance);
        _gateway = await TestGateway.StartAsync(folder: Path.Combine(_folder, "gateway"), apiKey: _apiKey, adjust: builder => builder.Services.AddSingleton(_ledger));
        await _gateway.Services.GetRequiredService<OpenedLedger>().Ledger.DisposeAsync(); // the one that it would have without this test
        _apiKey = _gateway.ApiKey;
    }

    /// <summary>Requests of every kind at once; then, when all is well again, each of them again.</summary>
    private async Task RoundAsync(string name)
    {
        var at = TimeProvider.System.GetUtcNow();
        var requests = Enumerable.Range(0, 6).Select(i => (Key: $"{name} {i}".Replace(' ', '-').Replace(',', '-'), Body: (i % 3) switch
        {
            0 => GatewayActs.Person("p" + i),
            1 => GatewayActs.Person("p" + i, GatewayActs.NewThis()),
            _ => $"[{GatewayActs.Person("p" + i)},{GatewayActs.Person("q" + i, GatewayActs.NewThis())}]",
        })).ToList();
        _sent += 8;
        var first = await Task.WhenAll(requests.Select(request => SendAsync(request.Key, request.Body, at)));
        var read = await _gateway!.PostAsync("{}", path: "/v1/spans/query");
        _faults.Disarm();

        if (first.Append(read).Any(answer => answer.Code == "503_BUSY"))
        {
            _refused.Add(name);
        }
        Assert.True(read.Status == HttpStatusCode.OK || read.Code == "503_BUSY", $"{name}: {read.Body}");
        if (_ledger!.Stopped is not null)
        {
            await StartAsync();
        }
        for (var i = 0; i < requests.Count; i++)
        {
            Assert.True(first[i].Status == HttpStatusCode.OK || first[i].Code == "503_BUSY", $"{name}: {first[i].Body}");
            var again = await SendAsync(requests[i].Key, requests[i].Body, at);
            Assert.True(again.Status == HttpStatusCode.OK, $"{name}: {again.Body}");
            var once = await SendAsync(requests[i].Key, requests[i].Body, at);
            Assert.Equal(Indexes(again), Indexes(once));
            if (first[i].Status == HttpStatusCode.OK)
            {
                Assert.Equal(Indexes(first[i]), Indexes(again));
            }
        }
    }

    private Task<Answer> SendAsync(string key, string body, DateTimeOffset at) => _gateway!.PostAsync(body, request =>
    {
        request.Set("Idempotency-Key", key);
        request.Set("X-Nonce", "nonce-of-request-" + key);
        request.Set("X-Timestamp", Timestamps.Write(at));
    });

    private static List<long> Indexes(Answer answer) =>
        [.. (answer.Json.ValueKind == System.Text.Json.JsonValueKind.Array ? answer.Json.EnumerateArray().ToList() : [answer.Json]).Select(item => item.GetProperty("receipt").GetProperty("log_index").GetInt64())];

    private async Task StopAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.StopAsync();
            await _ledger!.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>On the embedded store.</summary>
public sealed class SqliteStoreFaultTests : StoreFaultContract
{
    private protected override Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys) =>
        Task.FromResult<ILedgerStore>(SqliteLedgerStore.Open(Path.Combine(folder, "ledger.db"), "logline.test/faults"));
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgresStoreFaultTests(PostgresCluster cluster) : StoreFaultContract
{
    private string? _connection;

    private protected override async Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys)
    {
        _connection ??= await cluster.CreateDatabaseAsync();
        await PostgresLedger.MigrateAsync(_connection);
        var store = await PostgresLedgerStore.ConnectAsync(_connection, TimeProvider.System);
        await store.CreateAsync("logline.test/faults", keys.Begin(), keys.WebhookKid);
        return store;
    }
}
