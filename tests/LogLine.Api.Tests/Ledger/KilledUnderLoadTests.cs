using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Tests.Ledger;

/// <summary><c>kill -9</c> of a gateway on the embedded store.</summary>
public sealed class KilledUnderLoadTests : KilledUnderLoad
{
    protected override Task<IReadOnlyDictionary<string, string>> SettingsAsync() => Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());

    protected override Task<List<StoredRow>> RowsAsync()
    {
        Assert.Null(Audits.Fault(Folder));
        using var ledger = StoredLedger.Open(Folder);
        return Task.FromResult(ledger.Read().ToList());
    }
}

/// <summary><c>kill -9</c> of a gateway on PostgreSQL.</summary>
public sealed class KilledUnderLoadOnPostgresTests(PostgresCluster cluster) : KilledUnderLoad
{
    private string _database = "";

    protected override async Task<IReadOnlyDictionary<string, string>> SettingsAsync()
    {
        _database = await cluster.CreateDatabaseAsync();
        return new Dictionary<string, string> { ["LogLine__Store"] = "postgres", ["ConnectionStrings__Ledger"] = _database };
    }

    protected override async Task<List<StoredRow>> RowsAsync()
    {
        await using var store = await PostgresLedgerStore.ConnectAsync(_database, TimeProvider.System);
        var rows = new List<StoredRow>();
        await foreach (var row in store.RowsAsync(0, TestContext.Current.CancellationToken))
        {
            rows.Add(row);
        }
        var trust = KeyHistory.Open(Path.Combine(Folder, "keys")).Trust((await store.ReadHeadAsync()).Origin);
        Assert.Null(Audits.Verify(trust, rows).Finding);
        return rows;
    }
}

/// <summary>
/// <c>kill -9</c> of the gateway at random moments under load, again and again on one ledger: every span that was acked is there, every other one whole or not at all, a
/// retry of each gets one Ack, and the whole ledger verifies.
/// </summary>
public abstract class KilledUnderLoad : IAsyncDisposable
{
    private const int Kills = 50;
    private const int Clients = 6;

    protected string Folder { get; } = Directory.CreateTempSubdirectory("logline-killed-").FullName;
    private readonly ConcurrentDictionary<string, string> _acked = [];
    private readonly ConcurrentDictionary<string, byte> _sent = [];
    private TaskCompletionSource _firstAck = new();
    private GatewayProcess? _gateway;

    /// <summary>What the gateway's environment says of its store.</summary>
    protected abstract Task<IReadOnlyDictionary<string, string>> SettingsAsync();

    /// <summary>All rows, verified.</summary>
    protected abstract Task<List<StoredRow>> RowsAsync();

    [Fact]
    public async Task EveryAckedSpan_IsThereOnce_AndEveryRetryGetsOneAck()
    {
        var settings = await SettingsAsync();
        var random = new Random(20261121);
        for (var kill = 0; kill < Kills; kill++)
        {
            await StartAsync(settings);
            using var stop = new CancellationTokenSource();
            _firstAck = new TaskCompletionSource();
            var clients = Enumerable.Range(0, Clients).Select(_ => SendUntilAsync(stop.Token)).ToList();
            // Some die before they have answered anything.
            var begun = kill % 5 == 0 ? Task.CompletedTask : _firstAck.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await begun;
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 100)), TimeProvider.System, TestContext.Current.CancellationToken);
            await _gateway!.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }
        Assert.True(_acked.Count > Kills, $"only {_acked.Count} of {_sent.Count} spans were acked: there was no load");

        await StartAsync(settings);
        foreach (var name in _sent.Keys)
        {
            // The database may still be ending what the killed one began: until then the gateway is busy.
            var (receipt, replayed) = ("", false);
            await Patience.UntilAsync($"an Ack of the retry of {name}", async () =>
            {
                (var ok, receipt, replayed) = await SendAsync(name, TestContext.Current.CancellationToken);
                Assert.True(ok || receipt.Contains("503_BUSY", StringComparison.Ordinal), $"the retry of {name} got no Ack but {receipt}");
                return ok;
            });
            if (_acked.TryGetValue(name, out var first))
            {
                Assert.True(replayed && first == receipt, $"{name} was acked, and its retry got another Ack");
            }
        }
        await _gateway!.KillAsync();
        var names = (await RowsAsync()).Where(row => row.Table.Name == "entries").Select(row => (string)row["this"]!).ToList();
        Assert.Equal(_sent.Keys.Order(), names.Order());
    }

    private async Task SendUntilAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var name = GatewayActs.NewThis();
            _sent.TryAdd(name, 0);
            try
            {
                var (ok, receipt, _) = await SendAsync(name, stop);
                if (ok)
                {
                    _acked[name] = receipt;
                    _firstAck.TrySetResult();
                }
            }
            catch (Exception cut) when (cut is HttpRequestException or OperationCanceledException or IOException or JsonException)
            {
                return; // killed: whether it is there is asked for at the end
            }
        }
    }

    private async Task<(bool Ok, string Receipt, bool Replayed)> SendAsync(string name, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/spans") { Content = new StringContent(GatewayActs.Person("p", name), null, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(TimeProvider.System.GetUtcNow()));
        request.Headers.Add("Idempotency-Key", name);
        using var response = await _gateway!.Client.SendAsync(request, stop);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(stop);
        return response.IsSuccessStatusCode ? (true, answer.GetProperty("receipt").GetRawText(), answer.Flag("replayed") == true) : (false, answer.ToString(), false);
    }

    private async Task StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        await DisposeGatewayAsync();
        _gateway = await GatewayProcess.StartAsync(new Dictionary<string, string>(settings) { ["DOTNET_TieredPGO"] = "0" }, Folder); // without it, it starts sooner
    }

    private ValueTask DisposeGatewayAsync() => _gateway?.DisposeAsync() ?? ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await DisposeGatewayAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
