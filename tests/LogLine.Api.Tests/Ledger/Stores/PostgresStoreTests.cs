using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;

namespace LogLine.Api.Tests.Ledger.Stores;

public sealed class PostgresStoreTests(PostgresCluster cluster) : LedgerStoreContract
{
    private protected override Task<StoreLab> OpenAsync() => StoreLab.OpenAsync(async _ =>
    {
        var connection = await cluster.CreateDatabaseAsync();
        await PostgresLedger.MigrateAsync(connection);
        var store = await PostgresLedgerStore.ConnectAsync(connection, TimeProvider.System);
        await store.CreateAsync("logline.test/contract", KeyHistory.Parse("""{"keys":[],"v":1}"""), "webhook");
        return store;
    });

    [Fact]
    public async Task ManyWhoAskAtOnce_GetWhatEachAskedFor()
    {
        await using var lab = await OpenAsync();
        var names = Enumerable.Range(0, 50).Select(_ => Guid.NewGuid()).ToArray();
        await lab.CommitAsync([.. names.Select((name, i) => StoreLab.Request(StoreLab.Span(name: name), nonce: "nonce-" + i, key: "key-" + i))]);

        // More than one statement holds, several for the same, half of them for nothing.
        await Parallel.ForEachAsync(Enumerable.Range(0, 3000), new ParallelOptions { MaxDegreeOfParallelism = 1000 }, async (i, _) =>
        {
            var (n, isThere) = (i % 50, i % 100 < 50);
            var span = await lab.Store.FindSpanAsync(isThere ? "dev" : "other", "urn:span:" + names[n].ToString("D"));
            Assert.Equal(isThere ? n : null, span?.Index);
            Assert.Equal(isThere, await lab.Store.HasNonceAsync("dev", (isThere ? "nonce-" : "none-") + n));
            Assert.Equal(isThere ? n : null, (await lab.Store.FindKeyBindingAsync("dev", (isThere ? "key-" : "none-") + n, StoreLab.Now))?.First);
        });
    }
}
