using LogLine.Api.Ledger;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Cli.Tests.Witness;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary><c>logline ledger prune</c> on a ledger of its own: counted, asked for, done, and verified afterwards.</summary>
public sealed class LedgerPruneTests(GatewayProcess shared, PostgresCluster cluster)
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

        member.Terminal.Time = new InTwoDays();
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

    [Fact]
    public async Task OnPostgres_ItGoesBesideItsGateway_WhichShowsTheGapAndGoesOn()
    {
        using var terminal = new Terminal { Time = TimeProvider.System };
        var (data, database) = (terminal.At("data"), await cluster.CreateDatabaseAsync());
        await using var gateway = await WitnessedGateway.OnPostgresAsync(data, database);
        var names = await gateway.FillAsync(600);
        (terminal["ConnectionStrings__Ledger"], terminal["LOGLINE_URL"], terminal["LOGLINE_TOKEN"]) = (database, gateway.Client.BaseAddress!.ToString(), gateway.ApiKey);
        string[] prune = ["ledger", "prune", "--data", data, "--postgres", "--before", "600"];

        var counted = (await terminal.RunAsync([.. prune, "--dry-run", "--json"])).Expect(0).Json;
        Assert.Equal((512, 512, 600), (counted.Integer("minimum_index"), counted.Integer("pruned"), counted.Integer("entries")));
        Assert.Equal(200, (await gateway.GetAsync("/v1/spans/" + names[0])).Status);

        var gone = (await terminal.RunAsync([.. prune, "--yes", "--json"])).Expect(0).Json;
        Assert.Equal((512, 512, 601, null), (gone.Integer("minimum_index"), gone.Integer("pruned"), gone.Integer("entries"), gone.Text("not_compacted")));
        for (var left = 10_000; (await gateway.GetAsync("/v1/spans/" + names[511])).Json.Member("details").Text("reason") != "pruned"; left--)
        {
            Assert.True(left > 0, "It was never pruned.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }
        Assert.Equal(200, (await gateway.GetAsync("/v1/spans/" + names[512])).Status);
        Assert.Equal(601, (await gateway.SendAsync("afterwards")).Member("receipt").Integer("log_index"));
        var verified = (await terminal.RunAsync("ledger", "verify", "--key", gateway.LogKey, "--json")).Expect(0).Json;
        Assert.Equal((true, 512, 512), (verified.Flag("valid"), verified.Integer("minimum_index"), verified.Integer("pruned")));
        Assert.StartsWith("0 entries went", (await terminal.RunAsync(prune)).Expect(0).Output, StringComparison.Ordinal);

        // Keys of another log prune nothing of this one.
        var foreign = terminal.At("foreign");
        await using (await WitnessedGateway.StartAsync(foreign, 0))
        {
        }
        Assert.Contains("is signed by log_", (await terminal.RunAsync("ledger", "prune", "--data", foreign, "--postgres", "--before", "600", "--yes")).Expect(1).Errors);
    }

    [Fact]
    public async Task InterruptedBeforeItsRoomWasGivenBack_TheSameAgainGivesIt()
    {
        using var terminal = new Terminal { Time = TimeProvider.System };
        var data = terminal.At("data");
        await using (var gateway = await WitnessedGateway.StartAsync(data, 0))
        {
            await gateway.FillAsync(1100);
        }
        await using (var log = await LogPruning.OpenAsync(data, null, TimeProvider.System))
        {
            Assert.Equal(1024, await log.RunAsync(await log.PlanAsync(1024), null, _ => { }, TestContext.Current.CancellationToken));
        }
        var (file, whole) = (Path.Combine(data, "ledger.db"), new FileInfo(Path.Combine(data, "ledger.db")).Length);

        Assert.StartsWith("0 entries went", (await terminal.RunAsync("ledger", "prune", "--data", data, "--before", "1024")).Expect(0).Output, StringComparison.Ordinal);

        Assert.InRange(new FileInfo(file).Length, 1, whole / 2);
        (await terminal.RunAsync("ledger", "verify", "--data", data)).Expect(0);
    }

    private sealed class InTwoDays : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddDays(2);
    }
}
