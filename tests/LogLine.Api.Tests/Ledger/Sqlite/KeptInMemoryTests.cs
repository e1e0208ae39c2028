using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;

namespace LogLine.Api.Tests.Ledger.Sqlite;

/// <summary>What an embedded store keeps in memory so that it need not read: it may say too often "ask the table", and never wrongly "surely not".</summary>
public sealed class KeptInMemoryTests
{
    [Fact]
    public void NameFilter_HoldsEveryNameThatWasAdded_AndKnowsNewOnesForNew()
    {
        var filter = new NameFilter(1 << 16);
        var added = Enumerable.Range(0, 30_000).Select(i => $"urn:span:{i}").ToList();
        added.ForEach(name => filter.Add(name));
        Assert.All(added, name => Assert.True(filter.MayHold(name)));
        Assert.InRange(Enumerable.Range(0, 30_000).Count(i => filter.MayHold($"urn:span:new-{i}")), 0, 600);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    public void NameFilter_TakesShortNames(string name)
    {
        var filter = new NameFilter(1 << 10);
        Assert.False(filter.MayHold(name));
        filter.Add(name);
        Assert.True(filter.MayHold(name));
    }

    [Fact]
    public void RecentNonces_HoldEveryNonceThatTheTableRemembers_AndLetOldOnesGo()
    {
        const int Kept = 15;
        var nonces = new RecentNonces();
        for (var minute = 1; minute <= 100; minute++)
        {
            nonces.Add($"nonce {minute}", minute);
            nonces.Forget(minute - Kept);
            for (var remembered = Math.Max(1, minute - Kept); remembered <= minute; remembered++)
            {
                Assert.True(nonces.MayHold($"nonce {remembered}"));
            }
        }
        Assert.False(nonces.MayHold("nonce 1"));
    }

    [Fact]
    public void ReadThrough_RowsReadBeforeACommit_AreNotKeptAfterIt()
    {
        var rows = new ReadThrough<string, int>(10);
        var inTheTable = 1;
        var seen = rows.Get("key", _ =>
        {
            var before = inTheTable;
            inTheTable = 2;
            rows.Refresh("key", _ => inTheTable); // the commit falls between read and keeping
            return before;
        });
        Assert.Equal(1, seen);
        Assert.Equal(2, rows.Get("key", _ => inTheTable));
        inTheTable = 3;
        Assert.Equal(2, rows.Get("key", _ => inTheTable)); // kept
        rows.Refresh("key", _ => inTheTable);
        Assert.Equal(3, rows.Get("key", _ => throw new InvalidOperationException("It is known.")));
    }

    [Fact]
    public void ReadThrough_IsBounded()
    {
        var rows = new ReadThrough<int, int>(10);
        var reads = 0;
        for (var key = 0; key < 100; key++)
        {
            rows.Get(key, _ => reads++);
        }
        rows.Get(0, _ => reads++);
        Assert.Equal(101, reads); // the first was let go
    }
}
