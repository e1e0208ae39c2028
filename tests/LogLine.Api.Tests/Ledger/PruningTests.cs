using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Tests.Ledger;

/// <summary>The minimum index: what is below it is gone, what was proved of it stays provable, and nothing that state stands on is lost.</summary>
public sealed class PruningTests(PostgresCluster cluster)
{
    private const string Secret = "Quirina Prunable";
    private const long Minimum = 512;

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task PrunedEntries_AreGone_WhatWasProvedOfThemHolds_AndStateGoesOn(string store)
    {
        await using var lab = await Lab.OpenAsync(cluster, store);
        var gateway = lab.Gateway;
        var key = Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey);
        var (name, reference) = (GatewayActs.NewThis(), await gateway.ApplyAsync("web"));
        var live = await lab.DeployAsync(reference, "web", "running");
        lab.Adapter.ExitsAtOnce = 0;
        var ended = await lab.DeployAsync(await gateway.ApplyAsync("job"), "job", "exited", "failed");
        lab.Adapter.ExitsAtOnce = null;
        var ack = await gateway.PostAsync(Person(name));
        Assert.Null(Receipt.TryRead(ack.Json, out var receipt));
        await lab.FillAsync(800);
        var (checkpoint, size) = (gateway.Ledger.Checkpoint, gateway.Ledger.Size);

        var pruning = await lab.OpenPruningAsync();
        var plan = await pruning.PlanAsync(600);
        Assert.Equal((Minimum, null), (plan.Minimum, plan.Limit));
        Assert.Equal(plan.Going, await pruning.RunAsync(plan, "kept for a minute", _ => { }, TestContext.Current.CancellationToken));
        await pruning.CompactAsync();
        await Task.WhenAll(lab.Gateways.Select(one => one.Ledger.WaitForMoreAsync(pruning.Size - 1, TestContext.Current.CancellationToken)));

        foreach (var one in lab.Gateways)
        {
            await AssertNotShownAsync(one, name);
        }
        // What was proved: the receipt, a proof of the place in today's tree, and that today's tree is the one of then, grown.
        Assert.Null(receipt.Verify(key));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync($"/v1/ledger/consistency?from={size}&to={gateway.Ledger.Size}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/tlog/tile/0/000")).Status);
        Assert.Equal(receipt.InclusionProof, gateway.Ledger.Tree.InclusionProof(receipt.LogIndex, receipt.TreeSize));

        // A name is never taken twice, and its Ack is not made up.
        var retry = await gateway.PostAsync(Person(name));
        Assert.Equal(("409_IDEMPOTENCY_CONFLICT", "pruned", receipt.LogIndex), (retry.Code, retry.Detail("reason"), retry.Json.Member("details").Integer("original_log_index")));
        Assert.Equal("409_IDEMPOTENCY_CONFLICT", (await gateway.PostAsync(GatewayActs.Person("other", name))).Code);

        // Keys, manifests and the live run are there; the ended one is, as a row.
        Assert.Equal(("running", "job"), ((await gateway.GetAsync("/v1/runs/" + live)).Json.Text("state"), (await gateway.GetAsync("/v1/runs/" + ended)).Json.Member("target").Text("service")));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/spans/" + (await gateway.GetAsync("/v1/runs/" + live)).Json.Text("span"))).Status);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/spans/" + (await gateway.GetAsync("/v1/runs/" + ended)).Json.Text("span"))).Code);
        Assert.Contains(reference, (await gateway.GetAsync("/v1/state/view?subject=urn:minicontainer:dev/web")).Body);
        await lab.DeployAsync(reference, "web", "running");

        var report = await gateway.AssertWholeAsync();
        Assert.Equal((Minimum, plan.Going, Minimum - plan.Going), (report.Minimum, report.Pruned, plan.Staying));
        var record = (await gateway.PostAsync("""{"intent":"ledger.pruned"}""", path: "/v1/spans/query")).Json.Items("items").Single().Member("payload");
        Assert.Equal((Minimum, plan.Going, "kept for a minute"), (record.Integer("minimum"), record.Integer("entries"), record.Text("reason")));

        await lab.AssertCopiesAsync(report, checkpoint, Secret);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task InterruptedPruning_LeavesAWholeLog_AndGoesOn(string store)
    {
        await using var lab = await Lab.OpenAsync(cluster, store);
        await lab.FillAsync(600);
        var pruning = await lab.OpenPruningAsync();
        var plan = await pruning.PlanAsync(Minimum);

        // Said, and nothing is gone yet.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pruning.RunAsync(plan, null, _ => { }, new CancellationToken(canceled: true)));
        await lab.Gateway.Ledger.WaitForMoreAsync(pruning.Size - 1, TestContext.Current.CancellationToken);
        Assert.Equal((Minimum, 0L), await WholeAsync());
        // Some of it is gone.
        await lab.Gateway.Ledger.Store.PruneAsync(0, 100);
        Assert.Equal((Minimum, 99L), await WholeAsync());
        await lab.FillAsync(800);

        var again = await pruning.PlanAsync(0);
        Assert.Equal((plan.Minimum, plan.Going - 99), (again.Minimum, again.Going));
        await pruning.RunAsync(again, null, _ => { }, TestContext.Current.CancellationToken);
        Assert.Equal((Minimum, plan.Going), await WholeAsync());

        // Once more, further.
        var further = await pruning.PlanAsync(768);
        await pruning.RunAsync(further, null, _ => { }, TestContext.Current.CancellationToken);
        Assert.Equal((768L, plan.Going + further.Going), await WholeAsync());

        async Task<(long, long)> WholeAsync()
        {
            var report = await lab.Gateway.AssertWholeAsync();
            return (report.Minimum, report.Pruned);
        }
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task WhatSomethingStandsOn_IsTheLimit(string store)
    {
        await using var lab = await Lab.OpenAsync(cluster, store);
        var gateway = lab.Gateway;
        await lab.FillAsync(550);
        await gateway.ProveAsync("web");
        await lab.FillAsync(800);
        var (webhook, _) = await gateway.CreateWebhookAsync(new Uri("http://127.0.0.1:1/"), "registry.*");
        await gateway.PostAsync(GatewayActs.Person("waits"));
        await gateway.DeliveriesAsync(webhook, items => items.Count == 1);
        await lab.FillAsync(1100);
        await gateway.PostAsync(GatewayActs.Person("keyed"), request => request.Set("Idempotency-Key", "one-key"));
        await lab.FillAsync(1300);
        var pruning = await lab.OpenPruningAsync();
        var now = gateway.Time.GetUtcNow();

        var limit = await gateway.Ledger.Store.ReadPruningLimitAsync(now);
        Assert.Equal(512, limit.Index);
        Assert.Contains("is a proof that can still be used", limit.Why);
        Assert.Equal(limit, (await pruning.PlanAsync(gateway.Ledger.Size)).Limit);

        limit = await gateway.Ledger.Store.ReadPruningLimitAsync(now.AddHours(1));
        Assert.Equal(768, limit.Index);
        Assert.Contains("to a webhook", limit.Why);

        await gateway.DeleteAsync("/v1/webhooks/" + webhook);
        limit = await gateway.Ledger.Store.ReadPruningLimitAsync(now.AddHours(1));
        Assert.Equal((1024, "an Idempotency-Key that has not expired stands for entry 1100"), (limit.Index, limit.Why));
        Assert.Equal(new PruningLimit(1280, "the last tile of the log is not full"), await gateway.Ledger.Store.ReadPruningLimitAsync(now.AddHours(25)));
    }

    [Fact]
    public async Task Age_IsThatOfTheLastEntryBeforeIt()
    {
        var time = new ManualTime(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()], time);
        await Lab.FillAsync(gateway, 300);
        var old = gateway.Ledger.Size;
        time.Advance(TimeSpan.FromDays(2));
        await Lab.FillAsync(gateway, 600);
        var pruning = new LogPruning(gateway.Ledger, time);
        Assert.Equal(old, await pruning.IndexAtAsync(time.GetUtcNow() - TimeSpan.FromDays(1)));
        Assert.Equal(0, await pruning.IndexAtAsync(time.GetUtcNow() - TimeSpan.FromDays(3)));
        Assert.Contains("another gateway", (await Assert.ThrowsAsync<DataFolderException>(() => LogPruning.OpenAsync(gateway.Folder, null, time))).Message);
    }

    [Fact]
    public async Task WhatIsMissingWithoutThatTheLogSaysSo_IsFound()
    {
        await using var lab = await Lab.OpenAsync(cluster, "sqlite");
        await lab.FillAsync(600);
        var pruning = await lab.OpenPruningAsync();
        await pruning.RunAsync(await pruning.PlanAsync(Minimum), null, _ => { }, TestContext.Current.CancellationToken);
        await lab.Gateway.StopAsync();
        using var ledger = StoredLedger.Open(lab.Gateway.Folder);
        var rows = ledger.Read().ToList();
        Assert.Null(Audits.Verify(ledger.Trust, rows).Finding);

        Assert.Contains("(K2)", Changed(row => row.Table.Name == "head" ? With(row, ("minimum", 256L)) : row));
        Assert.Contains("(K1)", Changed(row => row.Table.Name == "head" ? With(row, ("minimum", 257L)) : row));
        Assert.Contains("(K1)", Changed(row => row["idx"] is 550L ? Emptied(row) : row));
        Assert.Contains("the row is not the one", Changed(row => row["idx"] is 7L ? With(row, ("this", "urn:span:other")) with { Digest = row.Digest } : row));
        Assert.NotEmpty(Changed(row => row["intent"] is "wallet.key.register" ? Emptied(row) : row)); // its key has signed, and is there
        Assert.NotEmpty(Changed(row => row["intent"] is "ledger.pruned" ? Emptied(row) : row));
        Assert.NotEmpty(Changed(row => row.Table.Name == "tiles" && row["level"] is 0L && row["idx"] is 1L ? With(row, ("hashes", ((byte[])row["hashes"]!).Select((one, i) => (byte)(i == 40 ? one ^ 1 : one)).ToArray())) : row));

        string Changed(Func<StoredRow, StoredRow> change) => Audits.Verify(ledger.Trust, rows.Select(change)).Finding?.Message ?? "";

        static StoredRow Emptied(StoredRow row) => row.Table.Name != "entries" ? row : With(row, ("entry", Array.Empty<byte>()), ("span", null), ("intent", ""), ("subject", ""), ("answer", null));

        static StoredRow With(StoredRow row, params (string Column, object? Value)[] changes)
        {
            var values = (object?[])row.Values.Clone();
            foreach (var (column, value) in changes)
            {
                values[row.Table.Place(column)] = value;
            }
            var changed = row with { Values = values };
            return row.Digest is null ? changed : changed with { Digest = RowDigest.Of(changed) };
        }
    }

    private static string Person(string name) =>
        TestGateway.Json(new { @this = name, intent = "registry.person.create", subject = "urn:registry:person/quirina", payload = new { name = Secret, email = "q@example.com", country = "PT", consent = true } });

    private static async Task AssertNotShownAsync(TestGateway gateway, string name)
    {
        foreach (var path in new[] { "/v1/spans/" + name, $"/v1/spans/{name}/receipt" })
        {
            var gone = await gateway.GetAsync(path);
            Assert.Equal(("404_NOT_FOUND", "pruned", Minimum), (gone.Code, gone.Detail("reason"), gone.Json.Member("details").Integer("minimum_index")));
        }
        var bundle = await gateway.GetAsync("/tlog/tile/entries/001");
        Assert.Equal(("404_NOT_FOUND", "pruned", Minimum), (bundle.Code, bundle.Detail("reason"), bundle.Json.Member("details").Integer("minimum_index")));
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/tlog/tile/entries/002")).Status);

        var page = (await gateway.PostAsync("""{"limit":5}""", path: "/v1/spans/query")).Json;
        Assert.Equal((1, Minimum, "pruned"), (page.Member("gap").Integer("from"), page.Member("gap").Integer("to"), page.Member("gap").Text("reason")));
        Assert.Equal(Minimum + 5, page.Integer("cursor"));
        var later = (await gateway.PostAsync($$"""{"limit":5,"after":{{Minimum}}}""", path: "/v1/spans/query")).Json;
        Assert.False(later.TryGetProperty("gap", out _));
        Assert.Equal(page.Items("items").Select(item => item.Text("this")), later.Items("items").Select(item => item.Text("this")));

        using var stream = await SpanStream.OpenAsync(gateway, "?after=3");
        var blocks = new List<string>();
        while (!blocks.Exists(block => block.Contains("event: span", StringComparison.Ordinal)))
        {
            blocks.Add(string.Join('\n', (await stream.BlockAsync())!));
        }
        Assert.Contains($$"""id: {{Minimum}}{{"\n"}}event: gap{{"\n"}}data: {"from":4,"to":{{Minimum}},"reason":"pruned"}""", blocks);
        Assert.StartsWith($"id: {Minimum + 1}\n", blocks[^1], StringComparison.Ordinal);
    }

    /// <summary>A gateway on one store, or two on PostgreSQL, and what is done with them.</summary>
    private sealed class Lab(PostgresCluster cluster, SharedLedger? shared, string? connection, FakeAdapter adapter, List<TestGateway> gateways) : IAsyncDisposable
    {
        private readonly List<string> _folders = [];
        private LogPruning? _opened;

        public TestGateway Gateway => gateways[0];

        public IReadOnlyList<TestGateway> Gateways => gateways;

        public FakeAdapter Adapter => adapter;

        public static async Task<Lab> OpenAsync(PostgresCluster cluster, string store)
        {
            var adapter = new FakeAdapter();
            if (store == "sqlite")
            {
                return new Lab(cluster, null, null, adapter, [await (await TestGateway.StartAsync([adapter], settings: WebhookActs.Settings())).RegisterKeyAsync()]);
            }
            var connection = await cluster.CreateDatabaseAsync();
            var shared = new SharedLedger(connection, WebhookActs.Settings());
            return new Lab(cluster, shared, connection, adapter, [await (await shared.StartAsync([adapter])).RegisterKeyAsync(), await shared.StartAsync([adapter])]);
        }

        /// <summary>Beside the gateways on PostgreSQL, in the gateway on the embedded store.</summary>
        public async Task<LogPruning> OpenPruningAsync()
        {
            var pruning = connection is null ? new LogPruning(Gateway.Ledger, Gateway.Time) : _opened = await LogPruning.OpenAsync(Gateway.Folder, connection, Gateway.Time);
            pruning.Notice = TimeSpan.Zero;
            return pruning;
        }

        public Task FillAsync(long size) => FillAsync(Gateway, size);

        public static async Task FillAsync(TestGateway gateway, long size)
        {
            while (gateway.Ledger.Size is var at && at < size)
            {
                var people = Enumerable.Range(0, (int)Math.Min(100, size - at)).Select(i => GatewayActs.Person($"p{at + i}"));
                Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync($"[{string.Join(',', people)}]")).Status);
            }
        }

        public async Task<string> DeployAsync(string reference, string service, params string[] states)
        {
            Assert.Equal(HttpStatusCode.OK, (await Gateway.ProveAsync(service)).Status);
            var ack = await Gateway.PostAsync(TestGateway.Deploy(reference, service: service));
            Assert.True(ack.Status == HttpStatusCode.OK, ack.Body);
            var run = ack.Json.Member("run").Text("run_id")!;
            await Gateway.RunInAsync(run, states);
            return run;
        }

        /// <summary>Moved to the other store, backed up and restored, and opened again it is the same log; and what was pruned is in no file.</summary>
        public async Task AssertCopiesAsync(AuditReport report, string published, string secret)
        {
            var (trust, rows) = (Gateway.Ledger.Trust, new List<StoredRow>());
            await foreach (var row in Gateway.Ledger.Store.RowsAsync(0, TestContext.Current.CancellationToken))
            {
                rows.Add(row);
            }
            Assert.DoesNotContain(rows, row => row["span"] is byte[] span && span.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) >= 0);
            var target = NewFolder();
            SharedLedger.CopyKeys(Gateway.Folder, target);
            var database = connection is null ? await cluster.CreateDatabaseAsync() : null;
            await LedgerCopies.ImportAsync(target, database, trust, rows.ToAsyncEnumerable());
            if (connection is not null)
            {
                Assert.Null(Audits.Fault(target));
                return;
            }
            await using (var there = await TestGateway.StartAsync([new FakeAdapter()], folder: target, settings: SharedLedger.Settings(database!), apiKey: Gateway.ApiKey))
            {
                var moved = await there.AssertWholeAsync();
                Assert.Equal((report.Minimum, report.Pruned), (moved.Minimum, moved.Pruned));
            }
            foreach (var file in Directory.EnumerateFiles(Gateway.Folder, "ledger*"))
            {
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                using var bytes = new MemoryStream();
                await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
                Assert.True(bytes.ToArray().AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) < 0, $"{file} still holds it");
            }
            var (backup, restored) = (Path.Combine(NewFolder(), "backup"), NewFolder());
            LedgerCopies.Backup(Gateway.Folder, backup);
            Assert.Equal(trust.Origin, LedgerCopies.Restore(backup, restored, published).Origin);
            Assert.Null(Audits.Fault(restored));

            await Gateway.StopAsync();
            File.Delete(Path.Combine(Gateway.Folder, DataFolder.PublishedName));
            await using var again = await TestGateway.StartAsync([adapter], folder: Gateway.Folder, apiKey: Gateway.ApiKey, key: Gateway.Key);
            Assert.Equal(report.Minimum, again.Ledger.Minimum);
            Assert.Equal(HttpStatusCode.OK, (await again.PostAsync(GatewayActs.Person("afterwards"))).Status);
            await again.AssertWholeAsync();
        }

        private string NewFolder()
        {
            _folders.Add(Directory.CreateTempSubdirectory("logline-pruned-").FullName);
            return _folders[^1];
        }

        public async ValueTask DisposeAsync()
        {
            if (_opened is not null)
            {
                await _opened.DisposeAsync();
            }
            foreach (var gateway in gateways)
            {
                await gateway.DisposeAsync();
            }
            if (shared is not null)
            {
                await shared.DisposeAsync();
            }
            _folders.ForEach(folder => Directory.Delete(folder, recursive: true));
        }
    }
}
