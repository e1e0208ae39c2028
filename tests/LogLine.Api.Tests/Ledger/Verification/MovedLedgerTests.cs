using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;
using LogLine.Api.Tests.Delivery.Webhooks;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;
using Npgsql;

namespace LogLine.Api.Tests.Ledger.Verification;

/// <summary>The same verification on PostgreSQL, and a ledger that moves from one store to the other and back.</summary>
public sealed class MovedLedgerTests(SmallLedger small, PostgresCluster cluster) : IClassFixture<SmallLedger>
{
    [Fact]
    public async Task LedgerOnPostgres_IsWhole_AndEveryChangedColumnIsFound()
    {
        var database = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(database, WebhookActs.Settings());
        var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], folder: shared.NewFolder(), settings: shared.Settings())).RegisterKeyAsync();
        await SmallLedger.FillAsync(gateway);
        await SmallLedger.DeliverAsync(gateway);
        var report = await gateway.AssertWholeAsync();
        Assert.True(report.Entries > 20 && report.Signatures > 5 && report.Rows > 20);
        var trust = gateway.Ledger.Trust;
        await gateway.StopAsync(); // nothing is to change but what is changed here
        await using var store = await PostgresLedgerStore.ConnectAsync(database, TimeProvider.System);

        // As a flipped bit on the database's disk would be: the digest stays what it was.
        var missed = new List<string>();
        await using var source = NpgsqlDataSource.Create(database);
        var rows = await RowsAsync(store);
        foreach (var table in rows.Where(row => row.Digest is not null).Select(row => row.Table.Name).Distinct())
        {
            await ExecuteAsync(source, $"ALTER TABLE {table} ALTER COLUMN digest DROP EXPRESSION");
        }
        foreach (var row in rows.GroupBy(row => row.Table.Name).Select(of => of.Last()))
        {
            foreach (var column in row.Table.Columns.Where(column => row[column] is not null && !row.Table.Key.Contains(row.Table.Place(column))))
            {
                var changed = column is "allow" or "cancel" or "active" ? $"NOT {column}" : row[column] switch { long => column + " + 1", byte[] => $"set_byte({column}, 0, get_byte({column}, 0) # 1)", _ => $"{column} || 'x'" };
                var key = string.Join(" AND ", row.Table.Key.Select(place => $"{row.Table.Columns[place]} = {Literal(row.Values[place])}"));
                await ExecuteAsync(source, $"CREATE TABLE kept AS SELECT {column} AS value FROM {row.Table.Name} WHERE {key}");
                await ExecuteAsync(source, $"UPDATE {row.Table.Name} SET {column} = {changed} WHERE {key}");
                if (Audits.Verify(trust, (await RowsAsync(store)).Where(one => one.Table.Name != "kept")).Finding is null)
                {
                    missed.Add($"{row.Name}: {column}");
                }
                await ExecuteAsync(source, $"UPDATE {row.Table.Name} SET {column} = (SELECT value FROM kept) WHERE {key}; DROP TABLE kept");
            }
        }
        Assert.Empty(missed);
        Assert.Null(Audits.Verify(trust, await RowsAsync(store)).Finding);
    }

    [Fact]
    public async Task FromSqliteToPostgresAndBack_ItIsTheSameLog_AndGoesOn()
    {
        var before = Audits.Verify(small.Trust, small.Rows);
        var database = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(database);
        var (there, back) = (shared.NewFolder(), shared.NewFolder());
        CopyKeys(small.Folder, there);

        var moved = await LedgerCopies.ImportAsync(there, database, small.Trust, small.Rows.ToAsyncEnumerable());
        Assert.Equal(small.Trust.Origin, moved.Origin);
        TestGateway gateway = await TestGateway.StartAsync([small.Adapter], folder: there, settings: shared.Settings(), apiKey: small.ApiKey);
        Assert.Equal(before.Root, (await gateway.AssertWholeAsync()).Root);
        Assert.Null(Receipt.TryRead((await gateway.PostAsync(GatewayActs.Person("moved"))).Json, out var receipt));
        Assert.Equal((before.Entries, null), (receipt.LogIndex, receipt.Verify(Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey))));
        var root = (await gateway.AssertWholeAsync()).Root;
        var (trust, rows) = (gateway.Ledger.Trust, await RowsAsync(gateway.Ledger.Store));
        await gateway.StopAsync();

        CopyKeys(there, back);
        await LedgerCopies.ImportAsync(back, null, trust, rows.ToAsyncEnumerable());
        Assert.Null(Audits.Fault(back));
        await using var again = await TestGateway.StartAsync([small.Adapter], folder: back, apiKey: small.ApiKey);
        Assert.Equal(root, (await again.AssertWholeAsync()).Root);
        // What the log cannot say came along: a retry of before gets the Ack of before.
        var retry = await again.PostAsync(GatewayActs.Person("ana"), request => request.Set("Idempotency-Key", "key-1"));
        Assert.True(retry.Json.Flag("replayed"), retry.Body);
    }

    [Fact]
    public async Task OccupiedDatabase_AndAnotherLogsKeys_AreRefused_AndNothingIsLeft()
    {
        var database = await cluster.CreateDatabaseAsync();
        await using var shared = new SharedLedger(database);
        var foreign = shared.NewFolder();
        Directory.CreateDirectory(Path.Combine(foreign, "keys"));
        using (ServerKeys.Open(Path.Combine(foreign, "keys"), create: true))
        {
        }
        Assert.Contains("another log", (await Assert.ThrowsAsync<DataFolderException>(() => LedgerCopies.ImportAsync(foreign, database, small.Trust, small.Rows.ToAsyncEnumerable()))).Message);
        Assert.Contains("another log", (await Assert.ThrowsAsync<DataFolderException>(() => LedgerCopies.ImportAsync(foreign, null, small.Trust, small.Rows.ToAsyncEnumerable()))).Message);
        Assert.Empty(Directory.GetFiles(foreign, "ledger*"));

        // Nothing of it was left in the database: a ledger can begin there.
        Assert.Equal(0, (await shared.StartAsync()).Ledger.Size);
        var second = await Assert.ThrowsAsync<DataFolderException>(() => LedgerCopies.ImportAsync(shared.NewFolder(), database, small.Trust, small.Rows.ToAsyncEnumerable()));
        Assert.Contains("holds a ledger", second.Message);
    }

    private static async Task<List<StoredRow>> RowsAsync(ILedgerStore store)
    {
        var rows = new List<StoredRow>();
        await foreach (var row in store.RowsAsync(0, TestContext.Current.CancellationToken))
        {
            rows.Add(row);
        }
        return rows;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static string Literal(object? value) => value switch { long number => $"{number}", byte[] bytes => $"'\\x{Convert.ToHexStringLower(bytes)}'", _ => $"'{value}'" };

    private static void CopyKeys(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "keys"));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(from, "keys")))
        {
            File.Copy(file, Path.Combine(to, "keys", Path.GetFileName(file)));
        }
    }
}
