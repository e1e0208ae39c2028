using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tenants;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>
/// Each call of the store fails, before it has done anything or after it has done all of it, while requests come, runs go on and webhooks are delivered: what was acked is there once, a retry
/// gets the one Ack, a run starts one container and ends once, and every event arrives.
/// </summary>
public abstract class StoreFaultContract : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-faults-").FullName;
    private readonly StoreFaults _faults = new();
    private readonly FakeAdapter _target = new();
    private readonly List<string> _runs = [];
    private Receiver? _receiver;
    private SigningKey? _key;
    private TestGateway? _gateway;
    private SpanLedger? _ledger;
    private string? _apiKey;
    private string _manifest = "";
    private string _webhook = "";
    private string _span = "";
    private readonly string _always = GatewayActs.NewThis();
    private readonly HashSet<string> _refused = [];
    private int _sent;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected abstract Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys);

    /// <summary>
    /// Calls that nothing here makes a gateway make: at the first start, once a minute, for streams by ticket and readers that begin far behind, for secrets, for a container that may be started again or is changed by a primitive, for a proof that stands in one array
    /// with what it lets through, for tiles that are not at hand.
    /// </summary>
    private protected static readonly IReadOnlyList<string> AtTimes =
    [
        "FindManifestIndexAsync", "ForgetAsync", "HasProofAsync", "HasTenantsAsync", "LiveNetworkRunsAsync", "ReadEntriesAsync", "ReadTile", "ReleaseWebhooksAsync", "SettledCheckpointAsync", "TakeTicketAsync", "TicketConnectionAsync",
        "TryInsertFirstTenantAsync", "WasStoppedAsync",
    ];

    /// <summary>Calls that no request makes, but the gateway by itself, again and again.</summary>
    private static readonly IReadOnlyList<string> InItsTime = ["DueDeliveriesAsync", "LeaseRunsAsync", "LeaseWebhooksAsync", "RenewLeasesAsync", "SettleAsync", "WaitingAsync", "WaitingSubjectsAsync"];

    /// <summary>Those, and what a gateway on this store calls at its start or its end alone, or when another gateway has written.</summary>
    private protected abstract IReadOnlyList<string> NotUnderLoad { get; }

    [Fact]
    public async Task CallThatFails_TakesNoAckBack_AndDoublesNothing()
    {
        // Somebody's first delivery fails, so that there is always something that waits.
        _receiver = await Receiver.StartAsync(http =>
        {
            http.Response.StatusCode = http.Request.Headers["X-LogLine-Attempt"] == "1" && ((string)http.Items["body"]!).Contains("person/p0\"", StringComparison.Ordinal) ? 500 : 200;
            return Task.CompletedTask;
        });
        await StartAsync();
        _key = (await _gateway!.RegisterKeyAsync()).Key;
        _manifest = await _gateway!.ApplyAsync("web");
        (_webhook, _) = await _gateway!.CreateWebhookAsync(_receiver.Url, "registry.*");
        await RoundAsync("no call");
        _sent++; // what is looked for again in each round

        foreach (var call in StoreFaults.Calls.Except(NotUnderLoad))
        {
            foreach (var fault in Enum.GetValues<StoreFault>())
            {
                // An Ack is kept by itself where its run has not ended when the wait is over; else the commit that ends the run keeps it.
                await RoundAsync(
                    $"{call} {fault}", () => _faults.Arm(call, fault), () => !InItsTime.Contains(call) || _faults.Failed.ContainsKey((call, fault)), isInVain: call == nameof(ILedgerStore.UpdateAnswerAsync));
            }
        }
        var spared = StoreFaults.Calls.Where(call => !Enum.GetValues<StoreFault>().All(fault => _faults.Failed.ContainsKey((call, fault)))).ToHashSet();
        Assert.True(spared.SetEquals(NotUnderLoad), $"made to fail after all: {string.Join(", ", NotUnderLoad.Except(spared))}; never made to fail: {string.Join(", ", spared.Except(NotUnderLoad))}");
        // And when the store does not even say what came of a commit.
        foreach (var fault in Enum.GetValues<StoreFault>())
        {
            await RoundAsync($"commit {fault}, not known", () =>
            {
                _faults.Arm(nameof(ILedgerTransaction.CommitAsync), fault, times: 1);
                _faults.Arm(nameof(ILedgerStore.SettledCheckpointAsync), StoreFault.NotPersisted);
            });
        }

        Assert.Superset(new HashSet<string> { "BeginAsync NotPersisted", "WriteAsync PersistedAnyway", "CommitAsync NotPersisted", "HasNonceAsync NotPersisted", "ScanAsync PersistedAnyway" }, _refused);
        var spans = (await _ledger!.Store.ReadEntriesAsync(0, 100_000)).Count(stored => SpanDocument.View(CanonicalJson.Parse(stored.Span)).Intent == "registry.person.create");
        Assert.Equal(_sent, spans);
        Assert.Equal(_runs.Order(StringComparer.Ordinal), _target.All.Select(container => container.RunId).Order(StringComparer.Ordinal));
        Assert.All(_target.All, container => Assert.Equal(1, container.Starts));
        await _receiver.ReceiveUntilAsync(received => received.Where(one => one.Status == 200).Select(one => one.Id).Distinct().Count() == _sent);
        await LedgerLoadTests.AssertWholeLogAsync(_ledger);
        await _gateway!.AssertWholeAsync();
    }

    private async Task StartAsync()
    {
        await StopAsync();
        Directory.CreateDirectory(Path.Combine(_folder, "keys"));
        var keys = ServerKeys.Open(Path.Combine(_folder, "keys"), create: _apiKey is null);
        _ledger = await SpanLedger.OpenAsync(FaultyStore.Around(await OpenAsync(_folder, keys), _faults), keys, Path.Combine(_folder, "published"), TimeProvider.System, 4096, NullLogger<SpanLedger>.Instance);
        var settings = WebhookActs.Settings(0.001);
        // What a call that failed leaves in somebody's hands is free again soon.
        (settings["LogLine:Webhooks:LeaseSeconds"], settings["LogLine:Leases:Seconds"]) = ("2", "2");
        _gateway = await TestGateway.StartAsync([_target], folder: Path.Combine(_folder, "gateway"), settings: settings, key: _key, apiKey: _apiKey, adjust: builder => builder.Services.AddSingleton(_ledger));
        await _gateway.Services.GetRequiredService<OpenedLedger>().Ledger.DisposeAsync(); // the one that it would have without this test
        _apiKey = _gateway.ApiKey;
    }

    /// <summary>Requests of every kind at once, while calls fail; then, when all is well again, each of them again.</summary>
    /// <param name="name">Of the round.</param>
    /// <param name="arm">Makes calls fail from here on.</param>
    /// <param name="failed">Whether those have failed that were to; some are made now and then only.</param>
    /// <param name="isInVain">No run begins before the requests that wait for it have given up.</param>
    private async Task RoundAsync(string name, Action? arm = null, Func<bool>? failed = null, bool isInVain = false)
    {
        var (at, service) = (TimeProvider.System.GetUtcNow(), "s" + _runs.Count);
        Assert.Equal(HttpStatusCode.OK, (await _gateway!.ProveAsync("web")).Status);
        var requests = Enumerable.Range(0, 6).Select(i => (Key: Slug($"{name} {i}"), Body: (i % 3) switch
        {
            0 => GatewayActs.Person("p" + i),
            1 => GatewayActs.Person("p" + i, GatewayActs.NewThis()),
            _ => $"[{GatewayActs.Person("p" + i)},{GatewayActs.Person("q" + i, GatewayActs.NewThis())}]",
        })).Append((Key: Slug(name + " deploy"), Body: TestGateway.Deploy(_manifest, service: service))).Append((Key: Slug(name + " proof"), Body: Proof())).ToList();
        _sent += 8;
        arm?.Invoke();
        var begun = new TaskCompletionSource();
        _target.BeforeCreate = _ => isInVain ? begun.Task : Task.CompletedTask;
        var reads = LooksAsync();
        var first = await Task.WhenAll(requests.Select(request => SendAsync(request.Key, request.Body, at, isInVain ? 1 : 20)));
        var seen = await reads;
        begun.SetResult();
        await Patience.UntilAsync($"a failure of {name}", failed ?? (() => true));
        _faults.Disarm();

        if (first.Concat(seen).Any(answer => answer.Code == "503_BUSY"))
        {
            _refused.Add(name);
        }
        Assert.All(seen, answer => Assert.True(answer.Status is < HttpStatusCode.InternalServerError or HttpStatusCode.ServiceUnavailable, $"{name}: {answer.Body}"));
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
            _span = again.Json.Text("this") ?? _span;
            if (again.Json.Member("run").Text("run_id") is { } run)
            {
                _runs.Add(run);
                await _gateway.RunInAsync(run, "running");
                _target.Exit(run, 0);
                await _gateway.RunInAsync(run, "exited");
            }
        }
    }

    /// <summary>Asks for whatever a gateway shows, and for small things that may be refused.</summary>
    private async Task<IReadOnlyList<Answer>> LooksAsync()
    {
        var run = _runs.Count > 0 ? _runs[^1] : "run_none";
        string[] paths =
        [
            "/v1/spans/" + _span, $"/v1/spans/{_span}/receipt", "/v1/runs", "/v1/runs/" + run, "/v1/minicontainers", "/v1/state/view?subject=urn:registry:person/p0", "/v1/ledger/consistency?from=1",
            "/v1/wallet/keys", "/v1/tokens", "/v1/webhooks", "/v1/webhooks/" + _webhook, $"/v1/webhooks/{_webhook}/deliveries", "/tlog/tile/entries/000.p/1", "/healthz/ready",
        ];
        (string Path, string Body)[] posts =
        [
            ("/v1/spans/query", "{}"), ("/v1/stream/tickets", """{"origin":"https://page.example"}"""), ("/v1/tokens", """{"scopes":["read"]}"""), ("/v1/tenants", $$"""{"tenant":"t{{Guid.NewGuid().ToString("N")[..8]}}"}"""),
            ("/v1/spans", TestGateway.KeyRegistration("kid_" + Guid.NewGuid().ToString("N"), _key!, "sign")),
            ("/v1/spans", """{"intent":"wallet.grant.revoke","subject":"urn:wallet:dev","payload":{"grant_id":"grant_none"}}"""),
        ];
        var again = await _gateway!.PostAsync(GatewayActs.Person("always", _always), request => request.Set("Idempotency-Key", "always"));
        // Whose rules are read anew.
        var rules = await _gateway!.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"dataset.*","rate_per_minute":600}}""");
        return
        [
            again, rules,
            .. await Task.WhenAll(paths.Select(path => _gateway!.GetAsync(path))),
            .. await Task.WhenAll(posts.Select(post => _gateway!.PostAsync(post.Body, path: post.Path))),
            await _gateway!.GetAsync("/v1/whoami", request => request.UseToken(ApiToken.Create(ApiToken.NewId(), TestGateway.Tenant, ["read"], "dev").Value)),
        ];
    }

    /// <summary>A proof for something that is not deployed.</summary>
    private string Proof()
    {
        var now = TimeProvider.System.GetUtcNow();
        var draft = new ProofDraft { Intent = "deploy.allow", Tenant = TestGateway.Tenant, Subject = $"urn:minicontainer:{TestGateway.Tenant}/api", Ts = now, Exp = now.AddMinutes(10) };
        return $$$"""{"intent":"wallet.proof.submit","subject":"{{{draft.Subject}}}","payload":{"proof":{{{TestGateway.Text(draft.Sign(TestGateway.Kid, _key!))}}}}}""";
    }

    private static string Slug(string name) => name.Replace(' ', '-').Replace(",", "", StringComparison.Ordinal);

    private Task<Answer> SendAsync(string key, string body, DateTimeOffset at, int wait = 20) => _gateway!.PostAsync(body, request =>
    {
        request.Set("Idempotency-Key", key);
        request.Set("X-Nonce", "nonce-of-request-" + key);
        request.Set("X-Timestamp", Timestamps.Write(at));
        request.Set("Prefer", $"wait={wait}"); // until the run has ended, where there is one
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
        await (_receiver?.DisposeAsync() ?? ValueTask.CompletedTask);
        _key?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>On the embedded store.</summary>
public sealed class SqliteStoreFaultTests : StoreFaultContract
{
    private protected override IReadOnlyList<string> NotUnderLoad =>
        [.. AtTimes, "ReadHeadAsync", "ReadKeyHistoryAsync", "ReadTouchedAsync", "ReleaseLeasesAsync", "LeaveWebhooksAsync"];

    private protected override Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys) =>
        Task.FromResult<ILedgerStore>(SqliteLedgerStore.Open(Path.Combine(folder, "ledger.db"), "logline.test/faults"));
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgresStoreFaultTests(PostgresCluster cluster) : StoreFaultContract
{
    private string? _connection;

    private protected override IReadOnlyList<string> NotUnderLoad => [.. AtTimes, "ReadHeadAsync", "ReadKeyHistoryAsync", "ReadTouchedAsync", "ReleaseLeasesAsync", "LeaveWebhooksAsync"];

    private protected override async Task<ILedgerStore> OpenAsync(string folder, ServerKeys keys)
    {
        _connection ??= await cluster.CreateDatabaseAsync();
        await PostgresLedger.MigrateAsync(_connection);
        var store = await PostgresLedgerStore.ConnectAsync(_connection, TimeProvider.System);
        await store.CreateAsync("logline.test/faults", keys.Begin(), keys.WebhookKid);
        return store;
    }
}
