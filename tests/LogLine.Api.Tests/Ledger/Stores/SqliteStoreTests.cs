using System.Reflection;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;

namespace LogLine.Api.Tests.Ledger.Stores;

public sealed class SqliteStoreTests : LedgerStoreContract
{
    /// <summary>What need not be on the disk at once must not leave the writer so that batches are not either.</summary>
    [Fact]
    public async Task AnswerAfterAWait_IsNotSynced_BatchesAreStill()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span()));
        var writer = (SqliteSession)typeof(SqliteLedgerStore).GetField("_writer", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(lab.Store)!;

        await lab.Store.UpdateAnswerAsync(0, "{}"u8.ToArray());

        const int Full = 2;
        Assert.Equal(Full, writer.First("PRAGMA synchronous", row => row.GetInt32(0)));
    }

    private protected override Task<StoreLab> OpenAsync() =>
        StoreLab.OpenAsync(folder => Task.FromResult<ILedgerStore>(SqliteLedgerStore.Open(Path.Combine(folder, "ledger.db"), "logline.test/contract")));
}
