using LogLine.Api.Ledger;
using LogLine.Api.Policy;
using LogLine.Api.Tenants;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Tenants;

/// <summary>Laws of what a token may: narrowing never widens, and a quota is never more than it says.</summary>
public sealed class RightLawTests
{
    [Fact]
    public void TokenOfATokenOfAToken_MaySendNothingThatTheFirstMayNot() => Laws.Hold(2_000, random =>
    {
        var owner = new TenantPrincipal("tok_1", "vv", "dev", Scopes(random));
        var child = new TenantPrincipal("tok_2", "vv", "dev", [.. Scopes(random).Where(owner.Holds)]);
        var grandchild = new TenantPrincipal("tok_3", "vv", "dev", [.. Scopes(random).Where(child.Holds)]);
        var intent = Intent(random);

        Assert.True(!grandchild.MaySend(intent) || child.MaySend(intent), $"{intent}: {string.Join(' ', child.Scopes)} / {string.Join(' ', grandchild.Scopes)}");
        Assert.True(!child.MaySend(intent) || owner.MaySend(intent), $"{intent}: {string.Join(' ', owner.Scopes)} / {string.Join(' ', child.Scopes)}");
        Assert.All(child.Scopes, scope => Assert.True(child.Holds(scope)));
        Assert.DoesNotContain(Operators, child.Has);
    });

    [Fact]
    public void Bucket_LetsThroughItsBurstAndWhatTimeFills_AndNoMore() => Laws.Hold(300, random =>
    {
        var clock = new ManualTimestamp();
        var quota = new QuotaRow("vv", "*", random.Next(1, 600), random.Next(1, 50));
        var bucket = new TokenBucket(quota, clock);
        var (passed, since) = (0, clock.GetTimestamp());
        for (var i = 0; i < 200; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(400)));
            passed += bucket.TryTake(clock.GetTimestamp(), clock) ? 1 : 0;
            var most = quota.Burst + (clock.GetElapsedTime(since).TotalMinutes * quota.RatePerMinute);
            Assert.True(passed <= most + 1e-6, $"{passed} of at most {most}");
        }
        // Whoever waits as long as the bucket says is let through.
        clock.Advance(TimeSpan.FromSeconds(bucket.State(clock.GetTimestamp(), clock).ResetSeconds));
        Assert.True(bucket.TryTake(clock.GetTimestamp(), clock));
    });

    /// <summary>What all gateways have left comes back in answers, and those are read in any order.</summary>
    [Fact]
    public void BucketThatOthersCount_IsAsFullAsTheLatestQuestionWasTold() => Laws.Hold(300, random =>
    {
        var clock = new ManualTimestamp();
        var bucket = new TokenBucket(new QuotaRow("vv", "*", 1, 100), clock);
        var levels = Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(100)).ToArray();
        foreach (var question in Enumerable.Range(1, levels.Length).OrderBy(_ => random.Next()).ToArray())
        {
            bucket.Set(levels[question - 1], question, clock.GetTimestamp());
        }
        Assert.Equal(levels[^1], bucket.State(clock.GetTimestamp(), clock).Remaining);
    });

    private static readonly string[] Operators = ["admin:tenants", "ledger:audit", "metrics"];

    private static string Intent(Random random) => string.Join('.', Enumerable.Range(0, random.Next(2, 4)).Select(_ => random.Of("a", "ab", "b", "deploy")));

    private static string[] Scopes(Random random) => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(8) switch
    {
        0 => "*",
        1 => random.Of(Operators),
        2 or 3 or 4 => Intent(random) is var intent ? intent[..intent.IndexOf('.')] + ".*" : "",
        5 => Intent(random) + ".*",
        _ => Intent(random),
    })];

    /// <summary>Elapsed time that moves when told to.</summary>
    private sealed class ManualTimestamp : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
