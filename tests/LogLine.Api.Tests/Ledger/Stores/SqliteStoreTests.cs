using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;

namespace LogLine.Api.Tests.Ledger.Stores;

public sealed class SqliteStoreTests : LedgerStoreContract
{
    private protected override Task<StoreLab> OpenAsync() =>
        StoreLab.OpenAsync(folder => Task.FromResult<ILedgerStore>(SqliteLedgerStore.Open(Path.Combine(folder, "ledger.db"), "logline.test/contract")));
}
