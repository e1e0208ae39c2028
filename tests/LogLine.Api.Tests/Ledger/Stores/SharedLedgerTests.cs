using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Several gateways on one PostgreSQL database: one log, whoever writes it.</summary>
public sealed class SharedLedgerTests(PostgresCluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoGatewaysUnderLoad_WriteOneLog_AndEachKeyOnce()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        TestGateway[] gateways = [await shared.StartAsync(), await shared.StartAsync()];
        var now = TimeProvider.System.GetUtcNow();
        var answers = new Answer[300, 2];

        // Every request goes to both gateways at once, byte for byte: one of them commits it, the other finds what that one left.
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancel }, async (i, _) =>
            answers[i / 2, i % 2] = await gateways[i % 2].PostAsync(GatewayActs.Person("p" + (i / 2)), request =>
            {
                request.Set("Idempotency-Key", "key-" + (i / 2));
                request.Set("X-Nonce", "nonce-for-request-" + (i / 2));
                request.Set("X-Timestamp", Timestamps.Write(now));
            }));

        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(HttpStatusCode.OK, answers[i, 0].Status);
            Assert.Equal(HttpStatusCode.OK, answers[i, 1].Status);
            Assert.Equal(answers[i, 0].Json.GetProperty("receipt").GetRawText(), answers[i, 1].Json.GetProperty("receipt").GetRawText());
            Assert.True(answers[i, 0].Json.GetProperty("replayed").GetBoolean() ^ answers[i, 1].Json.GetProperty("replayed").GetBoolean(), "One of the two committed it.");
        }
        await gateways[0].Ledger.WaitForMoreAsync(299, Cancel);
        await gateways[1].Ledger.WaitForMoreAsync(299, Cancel);
        Assert.Equal((300L, 300L), (gateways[0].Ledger.Size, gateways[1].Ledger.Size));
        Assert.Equal(gateways[0].Ledger.Checkpoint, gateways[1].Ledger.Checkpoint);
        await LedgerLoadTests.AssertWholeLogAsync(gateways[0].Ledger);
    }

    /// <summary>The other gateway has not met name and nonce and hopes that they are new. What it answers is what it would have answered had it asked.</summary>
    [Fact]
    public async Task WhatOneGatewayTook_TheOtherKnows_WhateverElseIsWrong()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (one, other) = (await shared.StartAsync(), await shared.StartAsync());
        (bool SameName, bool SameNonce, object Name, TimeSpan Late, string? Code)[] cases =
        [
            (true, true, "Joana", TimeSpan.Zero, null),
            (true, true, "Joana", TimeSpan.FromHours(1), null),
            (true, false, "Maria", TimeSpan.Zero, "409_IDEMPOTENCY_CONFLICT"),
            (true, true, "Maria", TimeSpan.Zero, "409_IDEMPOTENCY_CONFLICT"),
            (true, false, 5, TimeSpan.Zero, "409_IDEMPOTENCY_CONFLICT"),
            (true, false, "Maria", TimeSpan.FromHours(1), "409_IDEMPOTENCY_CONFLICT"),
            (false, true, "Joana", TimeSpan.Zero, "409_NONCE_REUSED"),
            (false, true, 5, TimeSpan.Zero, "409_NONCE_REUSED"),
            (false, true, 5, TimeSpan.FromHours(1), "422_TIMESTAMP_OUT_OF_RANGE"),
            (false, false, 5, TimeSpan.Zero, "422_SCHEMA_INVALID"),
        ];
        foreach (var (sameName, sameNonce, name, late, code) in cases)
        {
            var (taken, nonce) = (GatewayActs.NewThis(), Guid.NewGuid().ToString("D"));
            var first = await one.PostAsync(Named(taken, "Joana"), request => request.Set("X-Nonce", nonce));
            Assert.Equal(HttpStatusCode.OK, first.Status);

            var answer = await other.PostAsync(Named(sameName ? taken : GatewayActs.NewThis(), name), request =>
            {
                request.Set("X-Nonce", sameNonce ? nonce : Guid.NewGuid().ToString("D"));
                request.Set("X-Timestamp", Timestamps.Write(other.Time.GetUtcNow() - late));
            });

            Assert.Equal(code, answer.Status == HttpStatusCode.OK ? null : answer.Code);
            Assert.Equal(code is null ? first.Json.GetProperty("receipt").GetRawText() : null, code is null ? answer.Json.GetProperty("receipt").GetRawText() : null);
        }
    }

    private static string Named(string name, object person) => TestGateway.Json(new
    {
        @this = name,
        intent = "registry.person.create",
        subject = "urn:registry:person/p",
        payload = new { name = person, email = "j@example.com", country = "PT", consent = true },
    });

    /// <summary>Names and nonces alone, without keys: in one batch stand many that another gateway has written a moment ago, beside those that are new.</summary>
    [Fact]
    public async Task RetriesAtAnotherGateway_InTheMiddleOfNewSpans_HoldUpNone()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        TestGateway[] gateways = [await shared.StartAsync(), await shared.StartAsync()];
        var names = Enumerable.Range(0, 300).Select(_ => GatewayActs.NewThis()).ToArray();
        var receipts = new string[names.Length, 2];

        // Each third goes to the second gateway alone, each other one to both.
        await Parallel.ForEachAsync(Enumerable.Range(0, 2 * names.Length).Where(i => i % 2 == 1 || i / 2 % 3 > 0), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Cancel }, async (i, _) =>
        {
            var answer = await gateways[i % 2].PostAsync(GatewayActs.Person("p" + (i / 2), names[i / 2]));
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            receipts[i / 2, i % 2] = answer.Json.GetProperty("receipt").GetRawText();
        });

        Assert.All(Enumerable.Range(0, names.Length).Where(i => i % 3 > 0), i => Assert.Equal(receipts[i, 0], receipts[i, 1]));
        Assert.Equal(names.Length, (await gateways[0].Ledger.Store.ReadHeadAsync()).Size);
        await LedgerLoadTests.AssertWholeLogAsync(gateways[1].Ledger);
    }

    [Fact]
    public async Task WhatOneGatewayCommits_ReachesWhoeverWaitsAtTheOther()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (one, other) = (await shared.StartAsync(), await shared.StartAsync());

        for (var i = 0; i < 5; i++)
        {
            var waiting = other.Ledger.WaitForMoreAsync(i, Cancel);
            var answer = await one.PostAsync(GatewayActs.Person("p" + i));
            await waiting.WaitAsync(TimeSpan.FromMinutes(2), Cancel);
            var found = await other.GetAsync("/v1/spans/" + answer.Json.Text("this"));
            Assert.Equal(HttpStatusCode.OK, found.Status);
            var receipt = await other.GetAsync($"/v1/spans/{answer.Json.Text("this")}/receipt");
            Assert.Equal(answer.Json.GetProperty("receipt").GetRawText(), receipt.Json.GetRawText());
        }
    }

    [Fact]
    public async Task RevokedAtOneGateway_IsRefusedAtTheOther_FromTheAnswerOn()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        var (one, other) = (await shared.StartAsync(), await shared.StartAsync());
        for (var i = 0; i < 10; i++)
        {
            var made = await one.PostAsync("""{"scopes":["registry.*","read"]}""", path: "/v1/tokens");
            Assert.Equal(HttpStatusCode.Created, made.Status);
            var token = made.Json.Text("api_key")!;
            Assert.Equal(HttpStatusCode.OK, (await other.PostAsync(GatewayActs.Person("before" + i), request => request.UseToken(token))).Status);

            using var revoke = new HttpRequestMessage(HttpMethod.Delete, "/v1/tokens/" + made.Json.Text("token_id"));
            revoke.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
            revoke.Headers.Add("X-Timestamp", Timestamps.Write(one.Time.GetUtcNow()));
            using var revoked = await one.Client.SendAsync(revoke, Cancel);
            Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);

            Assert.Equal("401_UNAUTHENTICATED", (await other.PostAsync(GatewayActs.Person("after" + i), request => request.UseToken(token))).Code);
            Assert.Equal("401_UNAUTHENTICATED", (await other.GetAsync("/v1/whoami", request => request.UseToken(token))).Code);
        }
    }

    [Fact]
    public async Task PausedWriter_IsMadeToLetGoOfTheHead_AndContinuedItWritesNothing()
    {
        var connection = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(connection);
        var gateway = await shared.StartAsync();
        await gateway.PostAsync(GatewayActs.Person("before"));
        await using var paused = await PostgresLedgerStore.ConnectAsync(connection, TimeProvider.System);
        await using var transaction = await paused.BeginAsync(gateway.Time.GetUtcNow());

        // It has the head and does nothing, as a process that was stopped. The others wait for it, but not for ever.
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("after"))).Status);

        await Assert.ThrowsAnyAsync<LedgerStoreException>(async () =>
        {
            await transaction.WriteAsync([LedgerPiece.Of([gateway.Ledger.Identity.Sign("dev", "dev", "gate.refused", "decision", "urn:tenant:dev", gateway.Time.GetUtcNow(), _ => { })])]);
            await transaction.CommitAsync(null);
        });
        Assert.Equal(2, (await paused.ReadHeadAsync()).Size);
        await LedgerLoadTests.AssertWholeLogAsync(gateway.Ledger);
    }

    [Fact]
    public async Task GatewayWithOtherKeys_DoesNotStart_AndSaysWhich()
    {
        await using var shared = new SharedLedger(await cluster.CreateDatabaseAsync());
        await shared.StartAsync();

        var none = await Assert.ThrowsAsync<DataFolderException>(() => TestGateway.StartAsync(folder: shared.NewFolder(), settings: shared.Settings()));
        Assert.Contains("holds no keys", none.Message, StringComparison.Ordinal);
        var foreign = shared.NewFolder();
        ServerKeys.Open(Directory.CreateDirectory(Path.Combine(foreign, "keys")).FullName, create: true).Dispose();
        var other = await Assert.ThrowsAsync<DataFolderException>(() => TestGateway.StartAsync(folder: foreign, settings: shared.Settings()));
        Assert.Contains("is signed by log_", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerKilledUnderLoad_HasEveryAckedSpanOnce_AndTheOthersWholeOrNotAtAll()
    {
        await using var own = new PostgresCluster();
        await using var shared = new SharedLedger(await own.CreateDatabaseAsync());
        TestGateway[] gateways = [await shared.StartAsync(), await shared.StartAsync()];
        Task<Answer> SendAsync(int i, int at) => gateways[at].PostAsync($"[{GatewayActs.Person("a" + i)},{GatewayActs.Person("b" + i)}]", request =>
        {
            request.Set("Idempotency-Key", "key-" + i);
            request.Set("X-Nonce", "nonce-for-request-" + i);
            request.Set("X-Timestamp", Timestamps.Write(gateways[at].Time.GetUtcNow()));
        });

        var acked = 0;
        var enough = new TaskCompletionSource();
        var load = Enumerable.Range(0, 200).Select(async i =>
        {
            var answer = await SendAsync(i, i % 2);
            if (answer.Status == HttpStatusCode.OK && Interlocked.Increment(ref acked) == 20)
            {
                enough.SetResult();
            }
            return answer;
        }).ToList();
        await enough.Task.WaitAsync(TimeSpan.FromMinutes(2), Cancel);
        await own.KillAsync();
        await own.StartAsync();
        var first = await Task.WhenAll(load);
        var second = new Answer[first.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, first.Length), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel }, async (i, _) =>
        {
            second[i] = await Patience.WhileBusyAsync(() => SendAsync(i, (i + 1) % 2));
        });

        for (var i = 0; i < first.Length; i++)
        {
            Assert.True(first[i].Status == HttpStatusCode.OK || first[i].Code == "503_BUSY", first[i].Body);
            Assert.Equal(HttpStatusCode.OK, second[i].Status);
            if (first[i].Status == HttpStatusCode.OK)
            {
                Assert.Equal(Indexes(first[i]), Indexes(second[i]));
            }
            var indexes = Indexes(second[i]);
            Assert.Equal(indexes[0] + 1, indexes[1]);
        }
        var ledger = gateways[0].Ledger;
        await ledger.WaitForMoreAsync(399, Cancel);
        Assert.Equal(400, ledger.Size);
        await LedgerLoadTests.AssertWholeLogAsync(ledger);
        await gateways[0].AssertWholeAsync();
    }

    private static List<long> Indexes(Answer answer) => [.. answer.Json.EnumerateArray().Select(item => item.GetProperty("receipt").GetProperty("log_index").GetInt64())];
}
