using LogLine.Api.Gate;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Gate;

/// <summary>What requests claim: each name has one holder at a time, nobody waits for ever, and nothing stays held.</summary>
public sealed class ReservationLawTests
{
    [Fact]
    public async Task AnyClaimsAtOnce_HaveOneHolderEach_AndAllAreServed()
    {
        await Laws.HoldAsync(30, async random =>
        {
            var reservations = new Reservations();
            var holders = new int[6];
            var wishes = Enumerable.Range(0, 24).Select(_ => Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(holders.Length)).ToArray()).ToList();

            await Task.WhenAll(wishes.Select(wish => Task.Run(async () =>
            {
                using var held = await reservations.TakeAsync([.. wish.Select(Claim)], TestContext.Current.CancellationToken);
                Assert.NotNull(held);
                foreach (var name in wish.Distinct())
                {
                    Assert.Equal(1, Interlocked.Increment(ref holders[name]));
                }
                await Task.Yield();
                foreach (var name in wish.Distinct())
                {
                    Interlocked.Decrement(ref holders[name]);
                }
            })));

            // All are free again: whoever asks has them at once.
            var all = reservations.TakeAsync([.. Enumerable.Range(0, holders.Length).Select(Claim)], TestContext.Current.CancellationToken);
            Assert.True(all.IsCompletedSuccessfully);
            (await all)!.Dispose();
        });
    }

    [Fact]
    public async Task WhoGivesUp_LeavesTheNextInLineItsTurn()
    {
        var reservations = new Reservations();
        using var stop = new CancellationTokenSource();
        var first = await reservations.TakeAsync([Claim(1)], CancellationToken.None);
        var second = reservations.TakeAsync([Claim(0), Claim(1)], stop.Token).AsTask();
        var third = reservations.TakeAsync([Claim(1)], TestContext.Current.CancellationToken).AsTask();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first!.Dispose();

        Assert.NotNull(await third.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.True(reservations.TakeAsync([Claim(0)], CancellationToken.None).IsCompletedSuccessfully);
    }

    private static Claim Claim(int name) => new((ClaimKind)(name % 4), name % 3 == 0 ? "dev" : "vv", "urn:x:" + name);
}
