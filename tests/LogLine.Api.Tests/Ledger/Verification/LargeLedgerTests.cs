using System.Collections.Concurrent;
using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Tests.Ledger.Verification;

/// <summary>What <see cref="VerificationTests"/> do to every bit of a small ledger, to a sample of a large one: many tiles, many groups of entries that are verified at once.</summary>
public sealed class LargeLedgerTests
{
    private const int Arrays = 50;
    private const int Flips = 80;

    [Fact]
    public async Task FlippedBit_IsFound_WhereverItIs()
    {
        await using var gateway = await TestGateway.StartAsync();
        for (var i = 0; i < Arrays; i++)
        {
            var answer = await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 100).Select(j => GatewayActs.Person($"p{i}-{j}"))) + "]", request => request.Set("Idempotency-Key", "key-" + i));
            Assert.Equal(HttpStatusCode.OK, answer.Status);
        }
        var rows = await gateway.Ledger.Store.RowsAsync(0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        var trust = gateway.Ledger.Trust;
        var whole = Audits.Verify(trust, rows);
        Assert.True(whole is { Finding: null, Entries: Arrays * 100 }, whole.Finding?.ToString());

        // Of every table as many: entries are most of the rows.
        var random = new Random(20261121);
        var tables = rows.Index().GroupBy(row => row.Item.Table.Name).Select(table => table.ToList()).ToList();
        var sample = Enumerable.Range(0, Flips).Select(i => tables[i % tables.Count]).Select(table => table[random.Next(table.Count)]).Select(row => (At: row.Index, Bits: VerificationTests.Bits(row.Item).ToList()))
            .Where(row => row.Bits.Count > 0).Select(row => (row.At, Flipped: row.Bits[random.Next(row.Bits.Count)])).ToList();
        var missed = new ConcurrentBag<string>();
        Parallel.ForEach(sample, flip =>
        {
            if (Audits.Verify(trust, rows.Select((row, at) => at == flip.At ? flip.Flipped.Row : row), 1).Finding is null)
            {
                missed.Add($"{rows[flip.At].Name}: {flip.Flipped.What}");
            }
        });

        Assert.Empty(missed);
        Assert.Superset(new HashSet<string> { "entries", "tiles", "checkpoints", "idempotency", "nonces", "head" }, sample.Select(flip => rows[flip.At].Table.Name).ToHashSet());
    }
}
