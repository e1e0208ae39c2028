using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>What every store promises. Each engine's tests are these, on its own store.</summary>
public abstract partial class LedgerStoreContract
{
    private const string Kid = "kid_sign_1";
    private static readonly DateTimeOffset Now = StoreLab.Now;

    private protected abstract Task<StoreLab> OpenAsync();

    [Fact]
    public async Task Batch_StandsInTheOrderOfItsPieces_WithItsCheckpointAndTree()
    {
        await using var lab = await OpenAsync();
        var pieces = Enumerable.Range(0, 300).Select(i => StoreLab.Request(StoreLab.Span($"urn:registry:person/p{i}"), nonce: "nonce-" + i, key: "key-" + i)).ToArray();

        Assert.All(await lab.CommitAsync(pieces), conflict => Assert.Null(conflict));

        var entries = await lab.Store.ReadEntriesAsync(0, 1000);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (long)i), entries.Select(entry => entry.Index));
        Assert.Equal(pieces.Select(piece => piece.Spans[0].Entry.ToUtf8()), entries.Select(entry => entry.Entry));
        Assert.Equal(pieces.Select(piece => piece.Spans[0].Span.Utf8.ToArray()), entries.Select(entry => entry.Span));
        Assert.Equal(300, (await lab.Store.ReadHeadAsync()).Size);
        Assert.Equal("checkpoint 300", await lab.Store.ReadCheckpointAsync(300));
        Assert.Equal("checkpoint 300", await lab.Store.ReadCheckpointOverAsync(299));
        Assert.Null(await lab.Store.ReadCheckpointOverAsync(300));
        Assert.Equal(TileId.FullWidth * MerkleHash.Size, lab.Store.ReadTile(new TileId(0, 0))!.Length);
        Assert.Null(lab.Store.ReadTile(new TileId(0, 1)));
        Assert.Equal(17, (await lab.Store.FindKeyBindingAsync("dev", "key-17", Now))!.First);
    }

    [Fact]
    public async Task TransactionWithoutCommit_WasNever()
    {
        await using var lab = await OpenAsync();
        await using (var transaction = await lab.Store.BeginAsync(Now))
        {
            Assert.Null(Assert.Single(await transaction.WriteAsync([lab.Piece(StoreLab.Request(StoreLab.Span(), nonce: "n", key: "k"))])));
        }

        Assert.Equal(0, (await lab.Store.ReadHeadAsync()).Size);
        Assert.Empty(await lab.Store.ReadEntriesAsync(0, 10));
        Assert.False(await lab.Store.HasNonceAsync("dev", "n"));
        Assert.Null(await lab.Store.FindKeyBindingAsync("dev", "k", Now));
        Assert.Null(Assert.Single(await lab.CommitAsync(StoreLab.Request(StoreLab.Span(), nonce: "n", key: "k"))));
    }

    [Theory]
    [InlineData("nonce")]
    [InlineData("key")]
    [InlineData("this")]
    [InlineData("signer")]
    [InlineData("proof")]
    [InlineData("run")]
    public async Task PieceThatComesTooLate_LeavesNothing_AndTheOthersStandContiguously(string what)
    {
        await using var lab = await OpenAsync();
        var name = Guid.NewGuid();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(name: name), nonce: "taken", key: "taken"));
        var (late, expected) = what switch
        {
            "nonce" => (StoreLab.Request(StoreLab.Span("urn:registry:person/late"), nonce: "taken", key: "free"), AppendConflict.Nonce),
            "key" => (StoreLab.Request(StoreLab.Span("urn:registry:person/late"), nonce: "free", key: "taken"), AppendConflict.Key),
            "this" => (StoreLab.Request(StoreLab.Span("urn:registry:person/late", name: name), nonce: "free", key: "free"), AppendConflict.This),
            "signer" => (StoreLab.Request(StoreLab.Span("urn:registry:person/late", kids: ["kid_unknown"]), nonce: "free", key: "free"), AppendConflict.Signer),
            "proof" => (StoreLab.Request(StoreLab.Span("urn:registry:person/late", effects: new LedgerEffect.ProofConsumed("dev", "urn:span:none")), nonce: "free", key: "free"), AppendConflict.Proof),
            _ => (StoreLab.Request(StoreLab.Span("urn:registry:person/late", effects: new LedgerEffect.RunCancelRequested("run_none")), nonce: "free", key: "free"), AppendConflict.Run),
        };

        var conflicts = await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span("urn:registry:person/before"), nonce: "before", key: "before"), late, StoreLab.Request(StoreLab.Span("urn:registry:person/after"), nonce: "after", key: "after"));

        Assert.Equal([null, expected, null], conflicts);
        var subjects = (await lab.Store.ReadEntriesAsync(1, 10)).Select(entry => (entry.Index, System.Text.Encoding.UTF8.GetString(entry.Span))).ToList();
        Assert.Equal([1L, 2L], subjects.Select(entry => entry.Index));
        Assert.Contains("person/before", subjects[0].Item2, StringComparison.Ordinal);
        Assert.Contains("person/after", subjects[1].Item2, StringComparison.Ordinal);
        Assert.False(await lab.Store.HasNonceAsync("dev", "free"));
        Assert.Null(await lab.Store.FindKeyBindingAsync("dev", "free", Now));
        Assert.Equal(0, (await lab.Store.FindKeyBindingAsync("dev", "taken", Now))!.First);
        Assert.Equal(2, (await lab.Store.FindKeyBindingAsync("dev", "after", Now))!.First);
    }

    [Fact]
    public async Task SameNameNonceAndKey_TwiceInOneBatch_FirstOneWins()
    {
        await using var lab = await OpenAsync();
        var name = Guid.NewGuid();

        var conflicts = await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span(name: name), nonce: "n1", key: "k1"), StoreLab.Request(StoreLab.Span(name: name), nonce: "n2", key: "k2"),
            StoreLab.Request(StoreLab.Span(), nonce: "n1", key: "k3"), StoreLab.Request(StoreLab.Span(), nonce: "n4", key: "k1"));

        Assert.Equal([null, AppendConflict.This, AppendConflict.Nonce, AppendConflict.Key], conflicts);
        Assert.Equal(1, (await lab.Store.ReadHeadAsync()).Size);
    }

    [Fact]
    public async Task ExpiredKey_IsFree_AndIsBoundAnew()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(), key: "k", keyExpires: Now.AddHours(1)));

        Assert.Null(await lab.Store.FindKeyBindingAsync("dev", "k", Now.AddHours(1)));
        Assert.Equal([AppendConflict.Key], await lab.CommitAsync([lab.Piece(StoreLab.Request(StoreLab.Span(), key: "k"))], Now.AddHours(1).AddMilliseconds(-1)));
        Assert.Equal([null], await lab.CommitAsync([lab.Piece(StoreLab.Request(StoreLab.Span(), key: "k", keyExpires: Now.AddHours(30)))], Now.AddHours(1)));
        Assert.Equal(1, (await lab.Store.FindKeyBindingAsync("dev", "k", Now.AddHours(2)))!.First);
    }

    [Fact]
    public async Task Key_SignsFromItsRegistration_UntilItsRevocation_InTheOrderOfTheLog()
    {
        await using var lab = await OpenAsync();
        var key = new KeyRow("dev", Kid, new byte[32], ["sign", "admin"], KeyStatus.Active);
        var both = new AppendRequest { Tenant = "dev", Spans = [StoreLab.Span(effects: new LedgerEffect.KeyRegistered(key)), StoreLab.Span(kids: [Kid])] };

        Assert.Equal([AppendConflict.Signer, null, null, null, AppendConflict.Signer], await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span(kids: [Kid])), both, StoreLab.Request(StoreLab.Span(kids: [Kid])),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.KeyRevoked("dev", Kid))), StoreLab.Request(StoreLab.Span(kids: [Kid]))));
        var row = (await lab.Store.FindKeyAsync("dev", Kid))!;
        Assert.Equal((KeyStatus.Revoked, 3L), (row.Status, row.UntilIndex));
        Assert.Equal(["sign", "admin"], row.Usage);
    }

    [Fact]
    public async Task Kid_IsRegisteredOnce_AndARetiredKeyThatIsRevokedEndedWhereItWasRetired()
    {
        await using var lab = await OpenAsync();
        var key = new KeyRow("dev", Kid, new byte[32], ["sign"], KeyStatus.Active);

        Assert.Equal([null, AppendConflict.Stale], await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.KeyRegistered(key))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.KeyRegistered(key with { Usage = ["sign", "admin"] })))));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.KeyRetired("dev", Kid))));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.KeyRevoked("dev", Kid))));

        var row = (await lab.Store.FindKeyAsync("dev", Kid))!;
        Assert.Equal((KeyStatus.Revoked, 1L), (row.Status, row.UntilIndex));
        Assert.Equal(["sign"], row.Usage);
    }

    [Fact]
    public async Task RevokedToken_LetsNothingInAnyMore_FromItsRevocationOn()
    {
        await using var lab = await OpenAsync();

        Assert.Equal([null, null, AppendConflict.Principal], await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span()), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.TokenRevoked("dev", StoreLab.TokenId, Now))), StoreLab.Request(StoreLab.Span(), nonce: "late")));

        Assert.Equal([AppendConflict.Principal], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(), nonce: "late")));
        Assert.False(await lab.Store.HasNonceAsync("dev", "late"));
        Assert.Equal(2, (await lab.Store.ReadHeadAsync()).Size);
    }

    [Fact]
    public async Task Deploy_ThatDidNotSeeTheLiveOneOfItsService_IsJudgedAgain()
    {
        await using var lab = await OpenAsync();
        LedgerEffect Deploy(string run, string service) => new LedgerEffect.RunCreated(Run(run, service) with { Ref = "mc:dev/web@blake3:0" });
        Assert.Equal([null], await lab.CommitAsync(StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/a", effects: Deploy("run_1", "web")))));

        Assert.Equal([AppendConflict.Stale, null, null], await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/b", effects: Deploy("run_2", "web")), seen: 0),
            StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/b", effects: Deploy("run_3", "api")), seen: 0),
            StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/b", effects: Deploy("run_4", "web")), seen: 1)));
        Assert.Null(await lab.Store.FindRunAsync("run_2"));
    }

    [Fact]
    public async Task LooksAtOneContainer_InOneArray_AreNotInEachOthersWay()
    {
        await using var lab = await OpenAsync();
        AdmittedSpan Look(string run, string service) => StoreLab.Span("urn:container:dev/web", effects: new LedgerEffect.RunCreated(Run(run, service)));

        Assert.Equal([null], await lab.CommitAsync(StoreLab.Request(Look("run_1", "web")) with { Spans = [Look("run_1", "web"), Look("run_2", "web"), Look("run_3", ""), Look("run_4", "")] }));
        Assert.Equal(4, (await lab.Store.ReadHeadAsync()).Size);
    }

    [Fact]
    public async Task Pages_AreBoundedByBytes_AndGoOnBehindWhatTheyHold()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync([.. Enumerable.Range(0, 5).Select(i => StoreLab.Request(StoreLab.Span("urn:a:1", effects: new LedgerEffect.RunCreated(Run("run_" + i, "s" + i) with { Detail = $$"""{"a":"{{new string('é', 100)}}"}""" }))))]);
        foreach (var filter in new[] { new SpanFilter("dev"), new SpanFilter("dev", Subject: "urn:a:1") })
        {
            var (first, next) = await lab.Store.ScanAsync(filter, 0, 100, maxBytes: 1);
            Assert.Equal((0L, 1L), (Assert.Single(first).Index, next));
            var (two, third) = await lab.Store.ScanAsync(filter, 1, 100, maxBytes: first[0].Bytes + 1);
            Assert.Equal([1L, 2L], two.Select(span => span.Index));
            Assert.Equal(3, third);
            Assert.Equal(5, (await lab.Store.ScanAsync(filter, 0, 100)).Next);
        }

        var all = await lab.Store.RunsAsync("dev", null, 10);
        Assert.Equal(5, all.Count);
        var newest = Assert.Single(await lab.Store.RunsAsync("dev", null, 10, maxBytes: 1));
        Assert.Equal(all[0].RunId, newest.RunId);
        Assert.Equal(all.Skip(1).Take(2).Select(run => run.RunId), (await lab.Store.RunsAsync("dev", null, 10, newest, newest.DetailBytes + 1)).Select(run => run.RunId));
        Assert.Empty(await lab.Store.RunsAsync("dev", null, 10, all[^1]));
    }

    [Fact]
    public async Task Stop_OfAContainer_IsFoundSinceAMoment_UnlessItWasStartedAgain_OrItCameToNothing()
    {
        await using var lab = await OpenAsync();
        var stop = Run("run_stop", "web") with { Intent = "container.stop", Subject = "urn:container:dev/web", CreatedAt = Now };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span("urn:container:dev/web", effects: new LedgerEffect.RunCreated(stop))));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span("urn:container:dev/other", effects: new LedgerEffect.RunCreated(stop with { RunId = "run_start", Intent = "container.start", Subject = "urn:container:dev/other" }))));

        Assert.True(await StoppedAsync(Now));
        Assert.False(await StoppedAsync(Now.AddMilliseconds(1)));
        Assert.False(await StoppedAsync(Now, provider: "other"));
        Assert.False(await StoppedAsync(Now, tenant: "other"));
        Assert.False(await StoppedAsync(Now, "urn:container:dev/other"));
        var start = stop with { RunId = "run_again", Intent = "container.start", Service = "again", CreatedAt = Now.AddMilliseconds(1) };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span("urn:container:dev/web", effects: new LedgerEffect.RunCreated(start))));
        Assert.False(await StoppedAsync(Now));
        await lab.Store.LeaseRunsAsync("one", LeaseReach.Everything, 10, Now.AddMinutes(1), Now);
        Assert.Equal([null], await MoveAsync(lab, RunState.Planned, start with { State = RunState.Failed, EndedAt = Now, ExitCode = 1 }, "one"));
        Assert.True(await StoppedAsync(Now));
        Assert.Equal([null], await MoveAsync(lab, RunState.Planned, stop with { State = RunState.Failed, EndedAt = Now, ExitCode = 1 }, "one"));
        Assert.False(await StoppedAsync(Now));

        ValueTask<bool> StoppedAsync(DateTimeOffset since, string subject = "urn:container:dev/web", string? provider = null, string tenant = "dev") => lab.Store.WasStoppedAsync(tenant, subject, provider ?? stop.Provider, since);
    }

    [Theory]
    [InlineData(null, true), InlineData("KILL", true), InlineData("SIGTERM", true), InlineData("INT", true), InlineData("SIGQUIT", true)]
    [InlineData("SIGHUP", false), InlineData("USR1", false), InlineData("SIGWINCH", false), InlineData("CONT", false)]
    public async Task Kill_IsAStop_WhenItsSignalAsksToEnd_AndHidesNoneThatCameBefore(string? signal, bool isStop)
    {
        await using var lab = await OpenAsync();
        var arguments = signal is null ? CanonicalJson.Parse("{}"u8) : CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("signal", signal);
            json.WriteEndObject();
        });
        var kill = Run("run_kill", "web") with
        {
            Intent = "container.kill", Subject = "urn:container:dev/web", CreatedAt = Now.AddMilliseconds(1),
            Detail = RunDetail.With(RunDetail.OfOrder(new PrimitiveOrder("container.kill", "kill", arguments.Root)), json => json.WriteString("worker", "\0\\u0000 signal")),
        };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(kill.Subject, effects: new LedgerEffect.RunCreated(kill))));
        Assert.Equal(isStop, await lab.Store.WasStoppedAsync("dev", kill.Subject, kill.Provider, Now));

        var stop = kill with { RunId = "run_stop", Intent = "container.stop", Service = "before", CreatedAt = Now, Detail = "{}" };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(stop.Subject, effects: new LedgerEffect.RunCreated(stop))));
        Assert.True(await lab.Store.WasStoppedAsync("dev", stop.Subject, stop.Provider, Now));
    }

    [Fact]
    public async Task RunsAboutNetworks_AreFoundUntilTheyHaveEnded()
    {
        await using var lab = await OpenAsync();
        Assert.Empty(await lab.Store.LiveNetworkRunsAsync("dev"));
        var run = Run("run_join", "net") with { Intent = "network.connect", Subject = "urn:network:dev/net" };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(run.Subject, effects: new LedgerEffect.RunCreated(run))));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span("urn:container:dev/web", effects: new LedgerEffect.RunCreated(run with { RunId = "run_stop", Intent = "container.stop", Service = "web", Subject = "urn:container:dev/web" }))));

        Assert.Equal(["run_join"], (await lab.Store.LiveNetworkRunsAsync("dev")).Select(live => live.RunId));
        Assert.Empty(await lab.Store.LiveNetworkRunsAsync("other"));
        await lab.Store.LeaseRunsAsync("one", LeaseReach.Everything, 10, Now.AddMinutes(1), Now);
        Assert.Equal([null], await MoveAsync(lab, RunState.Planned, run with { State = RunState.Failed, EndedAt = Now, ExitCode = 1 }, "one"));
        Assert.Empty(await lab.Store.LiveNetworkRunsAsync("dev"));
    }

    [Fact]
    public async Task Proof_IsKnownByItsHash_AlsoWhenItWasUsed()
    {
        await using var lab = await OpenAsync();
        var proof = new ProofRow { This = "urn:span:a", Tenant = "dev", Intent = "deploy.allow", Allow = true, Subject = "urn:minicontainer:dev/web", Hash = "blake3:a", Exp = Now.AddMinutes(10) };
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(proof))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofConsumed("dev", proof.This))));

        Assert.True(await lab.Store.HasProofAsync("dev", proof.Hash));
        Assert.False(await lab.Store.HasProofAsync("other", proof.Hash));
        Assert.False(await lab.Store.HasProofAsync("dev", "blake3:b"));
    }

    [Fact]
    public async Task Proof_IsUsedOnce_AndADenyCancelsWhatItOverlaps()
    {
        await using var lab = await OpenAsync();
        ProofRow Proof(string name, string? reference = null, bool allow = true) => new()
        {
            This = "urn:span:" + name, Tenant = "dev", Intent = "deploy.allow", Allow = allow, Subject = "urn:minicontainer:dev/web", Hash = "blake3:" + name, Ref = reference, Exp = Now.AddMinutes(10),
        };
        LedgerEffect Use(string name) => new LedgerEffect.ProofConsumed("dev", "urn:span:" + name);
        async Task<string[]> LiveAsync() => [.. (await lab.Store.LiveProofsAsync("dev", "urn:minicontainer:dev/web", "deploy.allow", Now)).Select(proof => proof.This)];

        await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(Proof("a", "mc:a")))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(Proof("b", "mc:b")))),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(Proof("any")))));
        Assert.Equal(["urn:span:a", "urn:span:b", "urn:span:any"], await LiveAsync());
        Assert.Equal([null, AppendConflict.Proof], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: Use("b"))), StoreLab.Request(StoreLab.Span(effects: Use("b")))));
        Assert.Equal([AppendConflict.Proof], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: Use("b")))));

        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(Proof("deny", "mc:a", allow: false)))));
        Assert.Empty(await LiveAsync());
        Assert.Equal([AppendConflict.Proof], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: Use("a")))));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ProofStored(Proof("again", "mc:a")))));
        Assert.Equal(["urn:span:again"], await LiveAsync());
        Assert.Empty(await lab.Store.LiveProofsAsync("dev", "urn:minicontainer:dev/web", "deploy.allow", Now.AddMinutes(10)));
    }

    [Fact]
    public async Task Run_MovesFromWhereItStands_AndIsLeasedToOne()
    {
        await using var lab = await OpenAsync();
        var run = Run("run_1");
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.RunCreated(run))));
        var until = Now.AddSeconds(30);

        var leased = Assert.Single(await lab.Store.LeaseRunsAsync("one", LeaseReach.Everything, 10, until, Now));
        Assert.Equal((run.RunId, run.Service, run.Target, RunState.Planned), (leased.RunId, leased.Service, leased.Target, leased.State));
        Assert.Empty(await lab.Store.LeaseRunsAsync("two", LeaseReach.Everything, 10, until, Now));
        Assert.Equal([run.RunId], await lab.Store.RenewLeasesAsync("one", [run.RunId, "run_none"], until, Now));
        Assert.Empty(await lab.Store.RenewLeasesAsync("two", [run.RunId], until, Now));

        // One that has run out is anybody's; who had it moves nothing any more.
        await lab.Store.RenewLeasesAsync("one", [run.RunId], Now.AddSeconds(-30), Now);
        Assert.Empty(await lab.Store.LeaseRunsAsync("two", LeaseReach.Everything with { TakesOver = false }, 10, until, Now));
        Assert.Single(await lab.Store.LeaseRunsAsync("one", LeaseReach.Everything with { TakesOver = false }, 10, Now.AddSeconds(-30), Now));
        Assert.Single(await lab.Store.LeaseRunsAsync("two", LeaseReach.Everything, 10, until, Now));
        var pending = (await lab.Store.FindRunAsync(run.RunId))! with { State = RunState.Pending };
        var ended = pending with { State = RunState.Exited, ExitCode = 3, EndedAt = Now, Detail = """{"a":1}""" };
        Assert.Equal([AppendConflict.Run], await MoveAsync(lab, RunState.Planned, pending, "one"));
        Assert.Equal([null], await MoveAsync(lab, RunState.Planned, pending, "two"));
        Assert.Equal([AppendConflict.Run], await MoveAsync(lab, RunState.Planned, pending, "two"));
        Assert.Equal([null], await MoveAsync(lab, RunState.Pending, ended, "two"));
        var found = (await lab.Store.FindRunAsync(run.RunId))!;
        Assert.Equal((RunState.Exited, 3, Now, """{"a":1}"""), (found.State, found.ExitCode, found.EndedAt, found.Detail));
        Assert.Empty(await lab.Store.LiveRunsAsync("dev", "web"));
        Assert.Empty(await lab.Store.LeaseRunsAsync("three", LeaseReach.Everything, 10, until, Now));
        Assert.Equal([AppendConflict.Run], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.RunCancelRequested(run.RunId)))));
    }

    [Fact]
    public async Task Run_CanBeAWorkersFromItsAdmission_AndIsAnybodysWhenThatOneIsGone()
    {
        await using var lab = await OpenAsync();
        var run = Run("run_1");
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.RunCreated(run) { Holder = "local:one", Lease = new LedgerEffect.LeaseRenewal(Now, TimeSpan.FromSeconds(30)) })));
        var pending = run with { State = RunState.Pending };

        Assert.Equal("local:one", (await lab.Store.FindRunAsync(run.RunId))!.LeaseOwner);
        Assert.Empty(await lab.Store.LeaseRunsAsync("two", LeaseReach.Everything, 10, Now.AddSeconds(30), Now));
        Assert.Equal([AppendConflict.Run], await MoveAsync(lab, RunState.Planned, pending, "two"));
        Assert.Equal([null], await MoveAsync(lab, RunState.Planned, pending, "local:one"));
        await lab.Store.ReleaseLeasesAsync("local:");
        Assert.Equal(RunState.Pending, Assert.Single(await lab.Store.LeaseRunsAsync("two", LeaseReach.Everything, 10, Now.AddSeconds(30), Now)).State);
    }

    [Fact]
    public async Task Leases_OfAnEarlierProcess_AreReleasedByTheirPrefix()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync([.. Enumerable.Range(0, 20).Select(i => StoreLab.Request(StoreLab.Span($"urn:minicontainer:dev/s{i}", effects: new LedgerEffect.RunCreated(Run("run_" + i, "s" + i)))))]);
        var leased = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => lab.Store.LeaseRunsAsync("local:" + i, LeaseReach.Everything, 5, Now.AddSeconds(30), Now).AsTask()));

        Assert.Equal(leased.SelectMany(one => one).Count(), leased.SelectMany(one => one).Select(run => run.RunId).Distinct().Count());
        await lab.Store.ReleaseLeasesAsync("local:");
        Assert.Equal(20, (await lab.Store.LeaseRunsAsync("next", LeaseReach.Everything, 100, Now.AddSeconds(30), Now)).Count);
    }

    [Fact]
    public async Task Scan_FindsATenantsOwn_ByEveryFilter()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span("urn:a:1", "deploy.apply", effects: new LedgerEffect.RunCreated(Run("run_1")))), StoreLab.Request(StoreLab.Span("urn:a:2", "deploy.plan")),
            StoreLab.Request(StoreLab.Span("urn:a:1", "container.exec")), StoreLab.Request(StoreLab.Span("urn:a:3", "deploys.other")));
        async Task<List<long>> FindAsync(SpanFilter filter, long from = 0, int limit = 100) => [.. (await lab.Store.ScanAsync(filter, from, limit)).Spans.Select(span => span.Index)];

        Assert.Equal([0, 1, 2, 3], await FindAsync(new SpanFilter("dev")));
        Assert.Equal([0, 2], await FindAsync(new SpanFilter("dev", Subject: "urn:a:1")));
        Assert.Equal([0], await FindAsync(new SpanFilter("dev", RunId: "run_1")));
        Assert.Equal([0, 1], await FindAsync(new SpanFilter("dev", IntentPrefix: "deploy.")));
        Assert.Equal([1], await FindAsync(new SpanFilter("dev", Intent: "deploy.plan")));
        Assert.Equal([2, 3], await FindAsync(new SpanFilter("dev"), from: 2));
        Assert.Equal([1], await FindAsync(new SpanFilter("dev"), from: 1, limit: 1));
        Assert.Empty(await FindAsync(new SpanFilter("other")));
        Assert.Equal(2, (await lab.Store.ScanAsync(new SpanFilter("dev"), 1, 1)).Next);
        Assert.Equal(4, (await lab.Store.ScanAsync(new SpanFilter("other"), 0, 10)).Next);
        Assert.Equal(2, (await lab.Store.ScanAsync(new SpanFilter("dev"), 0, 10, window: 2)).Next);
    }

    [Fact]
    public async Task LastApplied_IsOneOfEachSubject_InTheOrderOfBytes()
    {
        await using var lab = await OpenAsync();
        AdmittedSpan Applied(string name) => StoreLab.Span("urn:minicontainer:dev/" + name, "minicontainer.applied");
        string[] names = ["b", "a", "a-1", "b", "a_1", "B", "b", "a"];
        await lab.CommitAsync([.. names.Select(name => StoreLab.Request(Applied(name))), StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/b", "deploy.plan")), StoreLab.Request(StoreLab.Span("urn:minicontainer:dev/c", "deploy.plan"))]);
        async Task<List<long>> ListAsync(string after = "", int limit = 100, string tenant = "dev") => [.. (await lab.Store.LastAppliedAsync(tenant, after, limit)).Select(span => span.Index)];

        Assert.Equal([5, 7, 2, 4, 6], await ListAsync());
        Assert.Equal([5, 7], await ListAsync(limit: 2));
        Assert.Equal([2, 4], await ListAsync("urn:minicontainer:dev/a", 2));
        Assert.Equal([6], await ListAsync("urn:minicontainer:dev/a_2"));
        Assert.Empty(await ListAsync("urn:minicontainer:dev/b"));
        Assert.Empty(await ListAsync(tenant: "other"));
    }

    [Fact]
    public async Task Tenants_TokensAndRules_AreWhatTheEntriesSaid()
    {
        await using var lab = await OpenAsync();
        var token = new TokenRow("tok_2", "vv", [4, 5], ["deploy.*", "read"], "prd", Now.AddDays(1), null);
        await lab.CommitAsync(
            StoreLab.Request(StoreLab.Span(effects: [new LedgerEffect.TenantCreated(new TenantRow("vv", Now)), new LedgerEffect.TokenCreated(token)])),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.QuotaSet(new QuotaRow("vv", "deploy.*", 60, 10)))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.QuotaSet(new QuotaRow("vv", "deploy.*", 120, 20)))),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.PolicySet("vv", "{}"))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.PolicySet("vv", """{"a":1}"""))),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.GrantStored(new GrantRow("vv", "g1", "{}", false)))), StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.GrantRevoked("vv", "g1"))),
            StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.ManifestStored(new ManifestRow("vv", "web", "blake3:1", [1, 2])))));

        Assert.Equal([AppendConflict.This], await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.TenantCreated(new TenantRow("vv", Now))))));
        Assert.True(await lab.Store.HasTenantAsync("vv"));
        Assert.False(await lab.Store.TryInsertFirstTenantAsync(new TenantRow("late", Now), token with { TokenId = "tok_3", Hash = [6] }));
        Assert.False(await lab.Store.HasTenantAsync("late"));
        var found = (await lab.Store.FindTokenAsync([4, 5]))!;
        Assert.Equal((token.TokenId, token.Tenant, token.Env, token.ExpiresAt, (DateTimeOffset?)null), (found.TokenId, found.Tenant, found.Env, found.ExpiresAt, found.RevokedAt));
        Assert.Equal(token.Scopes, found.Scopes);
        Assert.Equal([new QuotaRow("vv", "deploy.*", 120, 20)], await lab.Store.QuotasAsync("vv"));
        Assert.Equal("""{"a":1}""", await lab.Store.FindPolicyAsync("vv"));
        Assert.True((await lab.Store.FindGrantAsync("vv", "g1"))!.IsRevoked);
        Assert.Equal([1, 2], await lab.Store.FindManifestAsync("vv", "web", "blake3:1"));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.TokenRevoked("vv", "tok_2", Now))));
        Assert.Equal(Now, (await lab.Store.FindTokenAsync("vv", "tok_2"))!.RevokedAt);
    }

    [Fact]
    public async Task Forget_ForgetsWhatIsOver_AndNothingElse()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(), nonce: "old", key: "old", keyExpires: Now.AddMinutes(1)));
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(), key: "new"));

        await lab.Store.ForgetAsync(Now.AddMinutes(5), Now.AddMinutes(2));
        Assert.True(await lab.Store.HasNonceAsync("dev", "old"));
        Assert.Null(await lab.Store.FindKeyBindingAsync("dev", "old", Now));
        Assert.NotNull(await lab.Store.FindKeyBindingAsync("dev", "new", Now));
        await lab.Store.ForgetAsync(Now.AddMinutes(7), Now.AddMinutes(2)); // a store may keep them by the minute
        Assert.False(await lab.Store.HasNonceAsync("dev", "old"));
    }

    [Fact]
    public async Task Answer_IsReplaced_AndNothingOfTheEntryChanges()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span()));
        var before = (await lab.Store.FindEntryAsync(0))!;

        await lab.Store.UpdateAnswerAsync(0, [1]);
        var after = (await lab.Store.FindEntryAsync(0))!;
        Assert.Equal([1], after.Answer);
        Assert.Equal([before.Entry, before.Span, before.Fingerprint], new[] { after.Entry, after.Span, after.Fingerprint });
    }

    /// <summary>The Ack that waited for a run comes with the commit that it waited for, and only with it.</summary>
    [Fact]
    public async Task Answer_IsReplacedByTheMoveThatItWaitedFor()
    {
        await using var lab = await OpenAsync();
        await lab.CommitAsync(StoreLab.Request(StoreLab.Span(effects: new LedgerEffect.RunCreated(Run("run_1")))));
        var before = (await lab.Store.FindEntryAsync(0))!;
        async Task<AppendConflict?> EndAsync(RunState from, byte answer) => Assert.Single(await lab.CommitAsync(
            [LedgerPiece.Of([lab.Own("urn:minicontainer:dev/web", new LedgerEffect.RunMoved(from, Run("run_1") with { State = RunState.Failed }) { Answer = new KeptAnswer(0, [answer]) })])], Now));

        Assert.Equal(AppendConflict.Run, await EndAsync(RunState.Running, 1));
        Assert.Equal(before.Answer, (await lab.Store.FindEntryAsync(0))!.Answer);
        Assert.Null(await EndAsync(RunState.Planned, 2));
        Assert.Equal([2], (await lab.Store.FindEntryAsync(0))!.Answer);
    }

    private static async Task<IReadOnlyList<AppendConflict?>> MoveAsync(StoreLab lab, RunState from, RunRow to, string holder) =>
        await lab.CommitAsync([LedgerPiece.Of([lab.Own("urn:minicontainer:dev/web", new LedgerEffect.RunMoved(from, to) { Holder = holder })])], Now);

    private static RunRow Run(string runId, string service = "web") => new()
    {
        RunId = runId, Tenant = "dev", Env = "dev", Intent = "deploy.apply", Subject = "urn:minicontainer:dev/" + service, Provider = "fake", Service = service,
        Target = """{"provider":"fake"}""", Span = "urn:span:x", CreatedAt = Now,
    };
}
