using LogLine.Api.Ledger.Postgres;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>What a gateway on a shared ledger knows without asking.</summary>
public sealed class LatestNamesTests
{
    [Fact]
    public void LatestNames_HoldTheLastMillion_AndNeverFill()
    {
        var names = new LatestNames();
        var held = 0;
        for (var i = 0; i < 5_000_000; i++)
        {
            names.Add("name-" + i);
            held += i % 100 == 0 && names.MayHold("another-" + i) ? 1 : 0;
        }

        Assert.All(Enumerable.Range(4_000_000, 1_000_000), i => Assert.True(names.MayHold("name-" + i)));
        Assert.InRange(held, 0, 1000); // of 50,000 that were never added
    }
}
