using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary><c>logline ledger prune</c> on a data folder of its own: counted, asked for, done, and verified afterwards.</summary>
public sealed class LedgerPruneTests(GatewayProcess shared)
{
    private const int Spans = 300;

    [Fact]
    public async Task OldEntries_GoWhenNobodyNeedsThem_AndTheRestIsWhole()
    {
        await using var gateway = new GatewayProcess();
        await gateway.InitializeAsync();
        using var member = await Member.JoinAsync(gateway);
        for (var sent = 0; sent < Spans; sent += 100)
        {
            var people = Enumerable.Range(sent, 100).Select(i =>
                $$$"""{"intent":"registry.person.create","subject":"urn:registry:person/p{{{i}}}","payload":{"name":"P","email":"p@example.com","country":"PT","consent":true}}""");
            (await member.RunAsync("spans", "send", member.Terminal.Write("people.json", $"[{string.Join(',', people)}]"))).Expect(0);
        }
        var (backup, data) = (member.Terminal.At("backup"), member.Terminal.At("data"));
        (await member.RunAsync("ledger", "backup", backup, "--data", Path.GetDirectoryName(gateway.BootstrapFile)!)).Expect(0);
        (await member.RunAsync("ledger", "restore", backup, "--data", data)).Expect(0);

        // The keys of these requests are remembered for a day.
        var soon = (await member.RunAsync("ledger", "prune", "--data", data, "--before", "256", "--dry-run", "--json")).Expect(0).Json;
        Assert.Equal((0, 0), (soon.Integer("minimum_index"), soon.Integer("pruned")));
        Assert.Contains("Idempotency-Key", soon.Text("limited_by"));

        var later = new HurriedTime();
        later.Advance(TimeSpan.FromDays(2));
        member.Terminal.Time = later;
        var counted = (await member.RunAsync("ledger", "prune", "--data", data, "--older-than", "1d", "--dry-run", "--json")).Expect(0).Json;
        Assert.Equal(256, counted.Integer("minimum_index"));
        Assert.True(counted.Integer("pruned") is > 250 and < 256, counted.ToString());
        Assert.Contains("add --yes", (await member.RunAsync("ledger", "prune", "--data", data, "--before", "256")).Expect(2).Errors);
        var gone = (await member.RunAsync("ledger", "prune", "--data", data, "--before", "256", "--reason", "a day is enough", "--yes", "--json")).Expect(0).Json;
        Assert.Equal((counted.Integer("pruned"), counted.Integer("kept_below"), null), (gone.Integer("pruned"), gone.Integer("kept_below"), gone.Text("not_compacted")));

        var verified = (await member.RunAsync("ledger", "verify", "--data", data, "--json")).Expect(0).Json;
        Assert.Equal((true, 256, gone.Integer("pruned")), (verified.Flag("valid"), verified.Integer("minimum_index"), verified.Integer("pruned")));
        Assert.Contains("entries below 256 are pruned", (await member.RunAsync("ledger", "verify", "--data", data)).Expect(0).Output);
        Assert.StartsWith("0 entries went", (await member.RunAsync("ledger", "prune", "--data", data, "--before", "256")).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCannotBeDone_IsRefused_WithTheWayOut()
    {
        using var member = await Member.JoinAsync(shared);
        var data = Path.GetDirectoryName(shared.BootstrapFile)!;
        Assert.Contains("either --before INDEX or --older-than", (await member.RunAsync("ledger", "prune", "--data", data)).Expect(2).Errors);
        Assert.Contains("either --before INDEX or --older-than", (await member.RunAsync("ledger", "prune", "--data", data, "--before", "1", "--older-than", "1d")).Expect(2).Errors);
        Assert.Contains("such as 90d", (await member.RunAsync("ledger", "prune", "--data", data, "--older-than", "a while")).Expect(2).Errors);
        Assert.Contains("names no database", (await member.RunAsync("ledger", "prune", "--data", data, "--before", "1", "--postgres")).Expect(2).Errors);
        Assert.Contains("another gateway running", (await member.RunAsync("ledger", "prune", "--data", data, "--before", "1")).Expect(1).Errors);
        Assert.Contains("holds no keys", (await member.RunAsync("ledger", "prune", "--data", member.Terminal.Folder, "--before", "1")).Expect(1).Errors);
    }
}
