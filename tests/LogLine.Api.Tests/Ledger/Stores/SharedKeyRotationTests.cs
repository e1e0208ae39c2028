using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Replacing the keys of a ledger that gateways share, while they go on (docs/operations.md).</summary>
public sealed class SharedKeyRotationTests(PostgresCluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task KeysThatAreReplacedUnderLoad_ChangeOverAtOneEntry_AndEverythingVerifies()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (first, second, third) = (shared.NewFolder(), shared.NewFolder(), shared.NewFolder());
        await using var one = await GatewayProcess.StartAsync(first, shared.Settings());
        SharedLedger.CopyKeys(first, second);
        await using var other = await GatewayProcess.StartAsync(second, shared.Settings(), one.ApiKey);
        var load = new Load(one, other);

        foreach (var words in (string[][])[["log", "prepare"], ["log"], ["log", "finish"], ["span", "prepare"], ["span"]])
        {
            await load.GoOnAsync();
            Assert.Equal(0, await RotateAsync(shared, first, words));
            if (words is [var use, "prepare"])
            {
                File.Copy(NextKey(first, use), NextKey(second, use));
            }
        }
        await load.GoOnAsync();
        await load.EndAsync();

        var keys = await KeysAsync(other);
        Assert.Equal((await KeysAsync(one)).GetRawText(), keys.GetRawText());
        var logs = keys.Items("keys").Where(key => key.Text("use") == "log").ToList();
        var (old, young) = (Convert.FromHexString(logs[0].Text("public_key")!), Convert.FromHexString(logs[1].Text("public_key")!));
        var (begun, finished) = (logs[1].Integer("from_tree_size"), logs[0].Integer("until_tree_size"));
        Assert.All(load.Receipts, receipt =>
        {
            Assert.True(SignedNote.TryParse(receipt.Checkpoint, out _, out var lines));
            Assert.Equal(receipt.TreeSize > begun && receipt.TreeSize <= finished ? 2 : 1, lines.Count);
            Assert.Equal(receipt.TreeSize <= finished, receipt.Verify(old) is null);
            Assert.Equal(receipt.TreeSize > begun, receipt.Verify(young) is null);
        });
        Assert.Equal([old, young], KeyEndorsement.LogKeysFrom(keys, old));
        foreach (var folder in (string[])[first, second])
        {
            Assert.Equal(["log.key", "runner.key", "span.key", "webhook.key"], Directory.GetFiles(Path.Combine(folder, "keys"), "*.key").Select(Path.GetFileName).Order());
        }

        // A gateway that comes later, with the keys of now, finds all of it whole: also that no span key signed outside of its time.
        SharedLedger.CopyKeys(second, third);
        await using var late = await TestGateway.StartAsync(folder: third, settings: shared.Settings(), apiKey: one.ApiKey);
        await late.AssertWholeAsync();
        Assert.True(load.Refused > 0, "the gateways signed no span of their own");
    }

    [Fact]
    public async Task GatewayWithoutTheNewKey_TakesNothing_SaysWhichItLacks_AndGoesOnOnceItHasIt()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (first, second, third) = (shared.NewFolder(), shared.NewFolder(), shared.NewFolder());
        await using var one = await GatewayProcess.StartAsync(first, shared.Settings());
        SharedLedger.CopyKeys(first, second);
        SharedLedger.CopyKeys(first, third);
        await using var other = await GatewayProcess.StartAsync(second, shared.Settings(), one.ApiKey);
        Assert.Equal(HttpStatusCode.OK, (await other.PostAsync(GatewayActs.Person("before"))).Status);
        Assert.Equal(0, await RotateAsync(shared, first, "log"));

        Assert.Equal("503_BUSY", (await other.PostAsync(GatewayActs.Person("not-here"))).Code);
        var ready = await GetAsync(other, "/healthz/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.Status);
        Assert.Contains("Copy log.next.key", ready.Json.GetProperty("ledger").Text("status"), StringComparison.Ordinal);
        var taken = await UntilTakenAsync(one, "here");
        Assert.Null(Receipt.TryRead(taken.Json, out var receipt));
        Assert.True(SignedNote.TryParse(receipt.Checkpoint, out _, out var lines) && lines.Count == 2);
        // What the others sign it verifies all the same.
        Assert.Equal(taken.Json.GetProperty("receipt").GetRawText(), (await GetAsync(other, $"/v1/spans/{receipt.Entry.This}/receipt")).Json.GetRawText());
        var refused = await Assert.ThrowsAsync<DataFolderException>(() => TestGateway.StartAsync(folder: third, settings: shared.Settings(), apiKey: one.ApiKey));
        Assert.Contains("does not hold that key", refused.Message, StringComparison.Ordinal);

        File.Copy(NextKey(first, "log"), NextKey(second, "log"));
        Assert.Null(Receipt.TryRead((await UntilTakenAsync(other, "now-here")).Json, out var again));
        Assert.True(SignedNote.TryParse(again.Checkpoint, out _, out lines) && lines.Count == 2);
        Assert.NotEqual("stopped", (await GetAsync(other, "/healthz/ready")).Json.Text("status"));
    }

    [Fact]
    public async Task SpanThatWasSignedBeforeTheKeyWasReplaced_IsSignedAnew_UnderItsName()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var gateway = await shared.StartAsync();
        var signed = gateway.Ledger.Identity.Sign("dev", "dev", "gate.refused", "decision", "urn:tenant:dev", gateway.Time.GetUtcNow(), json => json.WriteString("code", "400_MALFORMED_JSON"));
        Assert.Equal(0, await RotateAsync(shared, gateway.Folder, "span"));

        Assert.Null((await gateway.Ledger.AppendOwnAsync([signed], Cancel)).Conflict);

        var stored = await gateway.Ledger.Store.FindSpanAsync("dev", signed.Span.This!);
        Assert.NotEqual(signed.Entry.Kid, stored!.ReadEntry().Kid);
        Assert.Equal((gateway.Ledger.Identity.SpanKid, signed.Entry.ReceivedAt), (stored.ReadEntry().Kid, stored.ReadEntry().ReceivedAt));
        await gateway.AssertWholeAsync();
    }

    [Fact]
    public async Task StepThatMakesNoSense_IsRefused_AndChangesNothing()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var gateway = await shared.StartAsync();
        var before = (await gateway.GetAsync("/v1/keys")).Json.GetRawText();

        Assert.Contains("missing", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync(shared, gateway.Folder, "log", "finish"))).Message, StringComparison.Ordinal);
        Assert.Equal(0, await RotateAsync(shared, gateway.Folder, "log", "prepare"));
        Assert.Contains("begin with", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync(shared, gateway.Folder, "log", "finish"))).Message, StringComparison.Ordinal);
        Assert.Contains("already", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync(shared, gateway.Folder, "log", "prepare"))).Message, StringComparison.Ordinal);
        var foreign = Directory.CreateDirectory(Path.Combine(shared.NewFolder(), "keys")).FullName;
        ServerKeys.Open(foreign, create: true).Dispose();
        Assert.Contains("does not hold the key", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync(shared, Path.GetDirectoryName(foreign)!, "span"))).Message, StringComparison.Ordinal);
        Assert.Equal(2, await RotateAsync(shared, gateway.Folder, "span", "finish"));

        Assert.Equal(before, (await gateway.GetAsync("/v1/keys")).Json.GetRawText());
        Assert.Equal(0, await RotateAsync(shared, gateway.Folder, "log"));
        Assert.Contains("already", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync(shared, gateway.Folder, "log"))).Message, StringComparison.Ordinal);
    }

    /// <summary>As <c>make-keys</c> leaves them: they have signed nothing, so an empty database is where they begin. Those of a ledger that is gone do not.</summary>
    [Fact]
    public async Task KeysThatWereMadeBefore_BeginALedger_AndThoseOfALedgerThatIsGoneDoNot()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var folder = shared.NewFolder();
        ServerKeys.Open(Directory.CreateDirectory(Path.Combine(folder, "keys")).FullName, create: true).Dispose();
        await using (var gateway = await TestGateway.StartAsync(folder: folder, settings: shared.Settings()))
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person())).Status);
        }
        await using var empty = new SharedLedger(await cluster.CreateDatabaseAsync());
        var refused = await Assert.ThrowsAsync<DataFolderException>(() => TestGateway.StartAsync(folder: folder, settings: empty.Settings()));
        Assert.Contains("holds no ledger", refused.Message, StringComparison.Ordinal);
    }

    private static string NextKey(string folder, string use) => Path.Combine(folder, "keys", use + ".next.key");

    private static Task<int> RotateAsync(SharedLedger shared, string folder, params string[] words) =>
        ServerKeyRotation.RunAsync([ServerKeyRotation.Name, .. words, "--data", folder, .. shared.Settings().Select(setting => $"--{setting.Key}={setting.Value}")]);

    private static async Task<JsonElement> KeysAsync(GatewayProcess gateway) => (await GetAsync(gateway, "/v1/keys")).Json;

    private static async Task<Answer> GetAsync(GatewayProcess gateway, string path)
    {
        using var response = await gateway.Client.GetAsync(path, Cancel);
        return await Answer.ReadAsync(response);
    }

    private static async Task<Answer> UntilTakenAsync(GatewayProcess gateway, string person)
    {
        var answer = await Patience.WhileBusyAsync(() => gateway.PostAsync(GatewayActs.Person(person)));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer;
    }

    /// <summary>Requests to both gateways, one after the other at each, every fourth of them one that is refused, which the gateway records under its own key.</summary>
    private sealed class Load
    {
        private const int Each = 12;
        private readonly CancellationTokenSource _end = new();
        private readonly Task[] _clients;
        private readonly int[] _taken = new int[2];
        private int _refused;

        public Load(params GatewayProcess[] gateways) => _clients = [.. gateways.Select((gateway, i) => Task.Run(() => SendAsync(gateway, i)))];

        public ConcurrentBag<Receipt> Receipts { get; } = [];

        public int Refused => _refused;

        /// <summary>Returns when both gateways have taken some more.</summary>
        public async Task GoOnAsync()
        {
            var (one, other) = (_taken[0] + Each, _taken[1] + Each);
            await Patience.UntilAsync($"{Each} more from each", () =>
            {
                Assert.DoesNotContain(_clients, client => client.IsFaulted);
                return Volatile.Read(ref _taken[0]) >= one && Volatile.Read(ref _taken[1]) >= other;
            });
        }

        public async Task EndAsync()
        {
            await _end.CancelAsync();
            await Task.WhenAll(_clients);
            _end.Dispose();
        }

        private async Task SendAsync(GatewayProcess gateway, int place)
        {
            for (var i = 0; !_end.IsCancellationRequested; i++)
            {
                if (i % 4 == 3)
                {
                    Assert.Equal("400_MALFORMED_JSON", (await gateway.PostAsync("{")).Code);
                    Interlocked.Increment(ref _refused);
                    continue;
                }
                var answer = await gateway.PostAsync(GatewayActs.Person($"p{place}-{i}"));
                Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
                Assert.Null(Receipt.TryRead(answer.Json, out var receipt));
                Receipts.Add(receipt);
                Interlocked.Increment(ref _taken[place]);
            }
        }
    }
}
