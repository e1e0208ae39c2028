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
        await store.CreateAsync("logline.test/contract", new LedgerSigners("log", "span", "webhook"));
        return store;
    });
}
