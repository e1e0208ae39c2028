using LogLine.Api.Ledger;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>What every store promises about webhooks and tickets.</summary>
public abstract partial class LedgerStoreContract
{
    private const string WebhookId = "wh_0123456789abcdef";
    private static readonly DateTimeOffset Until = Now.AddSeconds(20);

    [Fact]
    public async Task Webhook_IsWhatItsSpansSaid_AndIsChangedOnlyAsItWasJudged()
    {
        await using var lab = await OpenAsync();
        var row = NewWebhook();

        Assert.Equal([null, AppendConflict.Webhook], await ChangeAsync(lab, new LedgerEffect.WebhookCreated(row), new LedgerEffect.WebhookCreated(row)));
        var made = (await lab.Store.FindWebhookAsync("dev", WebhookId))!;
        Assert.Equal(
            (row.Url, row.Env, row.Description, row.CreatedAt, 1, true, 1L, 0L), (made.Url, made.Env, made.Description, made.CreatedAt, made.Generation, made.IsActive, made.Cursor, made.Version));
        Assert.Equal(row.Events, made.Events);
        Assert.Null(await lab.Store.FindWebhookAsync("other", WebhookId));
        Assert.Empty(await lab.Store.WebhooksAsync("other"));

        // The second rotation was judged on the first secret, which is not the one in force any more.
        var rotated = new LedgerEffect.WebhookRotated("dev", WebhookId, 1, Until);
        Assert.Equal([null, AppendConflict.Webhook], await ChangeAsync(lab, rotated, rotated));
        var disabled = new LedgerEffect.WebhookDisabled("dev", WebhookId);
        Assert.Equal([null, AppendConflict.Webhook], await ChangeAsync(lab, disabled, disabled));
        var now = Assert.Single(await lab.Store.WebhooksAsync("dev"));
        Assert.Equal((2, Until, false, 2L), (now.Generation, now.OverlapUntil, now.IsActive, now.Version));

        var deleted = new LedgerEffect.WebhookDeleted("dev", WebhookId);
        Assert.Equal([null, AppendConflict.Webhook, AppendConflict.Webhook], await ChangeAsync(lab, deleted, deleted, new LedgerEffect.WebhookReplayed("dev", WebhookId, null, null)));
        Assert.Empty(await lab.Store.WebhooksAsync("dev"));
    }

    [Fact]
    public async Task Webhooks_AreLeasedToOne_UntilTheyAreGivenBack()
    {
        await using var lab = await OpenAsync();
        await ChangeAsync(lab, new LedgerEffect.WebhookCreated(NewWebhook()), new LedgerEffect.WebhookCreated(NewWebhook("wh_off")), new LedgerEffect.WebhookDisabled("dev", "wh_off"));

        Assert.Equal([WebhookId], (await lab.Store.LeaseWebhooksAsync("one", Until, Now)).Select(row => row.WebhookId));
        Assert.Empty(await lab.Store.LeaseWebhooksAsync("two", Until, Now));
        Assert.Single(await lab.Store.LeaseWebhooksAsync("one", Until, Now));
        await lab.Store.ReleaseWebhooksAsync("two", [WebhookId]);
        Assert.Empty(await lab.Store.LeaseWebhooksAsync("two", Until, Now));
        await lab.Store.ReleaseWebhooksAsync("one", [WebhookId]);
        Assert.Single(await lab.Store.LeaseWebhooksAsync("two", Until, Now));
        await lab.Store.LeaveWebhooksAsync("tw");
        Assert.Single(await lab.Store.LeaseWebhooksAsync("three", Until, Now));
        // A lease that has run out is anybody's.
        await lab.Store.LeaseWebhooksAsync("three", Now.AddSeconds(-20), Now);
        Assert.Single(await lab.Store.LeaseWebhooksAsync("four", Until, Now));
    }

    [Fact]
    public async Task Round_IsWrittenAsAWhole_OrNotAtAllWhenTheWebhookIsNotTheSenders()
    {
        await using var lab = await OpenAsync();
        await ChangeAsync(lab, new LedgerEffect.WebhookCreated(NewWebhook()));
        var mine = Assert.Single(await lab.Store.LeaseWebhooksAsync("one", Until, Now));
        DeliveryRow[] rows =
        [
            NewDelivery(2, "a", DeliveryState.Delivered) with { Attempts = 1, FirstAt = Now, LastAt = Now, Status = 200 },
            NewDelivery(3, "b", DeliveryState.Waiting) with { Attempts = 2, FirstAt = Now, LastAt = Now, NextAt = Now.AddSeconds(5), Error = "cannot\0connect" },
            NewDelivery(4, "b", DeliveryState.Waiting), NewDelivery(5, "c", DeliveryState.Waiting), NewDelivery(6, "d", DeliveryState.Dead),
        ];

        Assert.False(await lab.Store.SettleAsync(Round(mine, "two", 6, rows)));
        Assert.Empty(await lab.Store.DeliveriesAsync(WebhookId, null, long.MaxValue, 100));
        Assert.True(await lab.Store.SettleAsync(Round(mine, "one", 6, rows) with { FailingSince = Now }));

        var kept = await lab.Store.DeliveriesAsync(WebhookId, null, long.MaxValue, 100);
        Assert.Equal([6L, 5, 4, 3, 2], kept.Select(row => row.Seq));
        Assert.Equal(rows[0], kept[4]);
        Assert.Equal(rows[1] with { Error = kept[3].Error }, kept[3]);
        Assert.StartsWith("cannot", kept[3].Error, StringComparison.Ordinal);
        Assert.Equal([5L, 4], (await lab.Store.DeliveriesAsync(WebhookId, DeliveryState.Waiting, 6, 2)).Select(row => row.Seq));
        Assert.Equal((6L, (DateTimeOffset?)Now), (await lab.Store.FindWebhookAsync("dev", WebhookId) is { } row ? (row.Cursor, row.FailingSince) : default));

        // The fourth waits behind the third, of the same subject, which is not due yet.
        Assert.Equal([5L], (await lab.Store.DueDeliveriesAsync(WebhookId, Now, 10)).Select(due => due.Seq));
        Assert.Equal([5L, 3], (await lab.Store.DueDeliveriesAsync(WebhookId, Now.AddSeconds(5), 10)).Select(due => due.Seq));
        Assert.Equal((3, (DateTimeOffset?)Now), await lab.Store.WaitingAsync(WebhookId));
        Assert.Equal(["b", "c"], (await lab.Store.WaitingSubjectsAsync(WebhookId, ["a", "b", "c", "d"])).Order());
        Assert.Equal((0, (DateTimeOffset?)null), await lab.Store.WaitingAsync("wh_none"));

        // The receiver is back: whatever waits is due. What was delivered before stays no longer than it should.
        await lab.Store.SettleAsync(Round(mine, "one", 8, [.. Enumerable.Range(7, 5).Select(seq => NewDelivery(seq, "e", DeliveryState.Delivered))]) with { AllDue = true, Kept = 3 });
        Assert.Equal([3L, 5], (await lab.Store.DueDeliveriesAsync(WebhookId, Now, 10)).Select(due => due.Seq).Order());
        Assert.Equal([11L, 10, 9], (await lab.Store.DeliveriesAsync(WebhookId, DeliveryState.Delivered, long.MaxValue, 100)).Select(row => row.Seq));
        Assert.Single(await lab.Store.DeliveriesAsync(WebhookId, DeliveryState.Dead, long.MaxValue, 100));
        await ChangeAsync(lab, new LedgerEffect.WebhookRotated("dev", WebhookId, 1, Until));
        Assert.False(await lab.Store.SettleAsync(Round(mine, "one", 9, [])));
    }

    [Fact]
    public async Task WhatIsErasedWhileItIsDelivered_DoesNotComeBackWithTheRound()
    {
        await using var lab = await OpenAsync();
        await ChangeAsync(lab, new LedgerEffect.WebhookCreated(NewWebhook()));
        var spans = Enumerable.Range(0, 3).Select(_ => StoreLab.Span()).ToList();
        await lab.CommitAsync([.. spans.Select(span => StoreLab.Request(span))]);
        var mine = Assert.Single(await lab.Store.LeaseWebhooksAsync("one", Until, Now));
        // Entries 1, 2 and 3: the first two have failed once; the second is erased while it is tried again, the third when it is about to be for the first time.
        await lab.Store.SettleAsync(Round(mine, "one", 3, [NewDelivery(2, "a", DeliveryState.Waiting), NewDelivery(3, "b", DeliveryState.Waiting)]));
        await ChangeAsync(lab, new LedgerEffect.SpanErased("dev", spans[1].Span.This!, 2), new LedgerEffect.SpanErased("dev", spans[2].Span.This!, 3));

        Assert.True(await lab.Store.SettleAsync(Round(mine, "one", 4, [.. new[] { "a", "b", "c" }.Select((subject, at) => NewDelivery(at + 2, subject, DeliveryState.Waiting))])));
        await ChangeAsync(lab, new LedgerEffect.WebhookReplayed("dev", WebhookId, NewDelivery(3, "b", DeliveryState.Waiting), null));

        Assert.Equal(["a"], (await lab.Store.DeliveriesAsync(WebhookId, null, long.MaxValue, 100)).Select(row => row.Subject));
    }

    [Fact]
    public async Task Replay_MakesOneEvent_TheDeadLetters_OrAllBehindAPlace_WaitAgain()
    {
        await using var lab = await OpenAsync();
        await ChangeAsync(lab, new LedgerEffect.WebhookCreated(NewWebhook()));
        var mine = Assert.Single(await lab.Store.LeaseWebhooksAsync("one", Until, Now));
        await lab.Store.SettleAsync(Round(mine, "one", 50, [NewDelivery(2, "a", DeliveryState.Delivered), NewDelivery(3, "b", DeliveryState.Dead) with { Attempts = 9, FirstAt = Now }, NewDelivery(40, "c", DeliveryState.Waiting)]));
        async Task<List<(long Seq, int Attempts)>> WaitingAsync() => [.. (await lab.Store.DeliveriesAsync(WebhookId, DeliveryState.Waiting, long.MaxValue, 100)).Select(row => (row.Seq, row.Attempts))];

        await ChangeAsync(lab, new LedgerEffect.WebhookReplayed("dev", WebhookId, NewDelivery(2, "a", DeliveryState.Waiting), null));
        Assert.Equal([(40L, 0), (2L, 0)], await WaitingAsync());
        await ChangeAsync(lab, new LedgerEffect.WebhookDisabled("dev", WebhookId));
        await ChangeAsync(lab, new LedgerEffect.WebhookReplayed("dev", WebhookId, null, null));
        Assert.Equal([(40L, 0), (3L, 0), (2L, 0)], await WaitingAsync());
        Assert.True((await lab.Store.FindWebhookAsync("dev", WebhookId))!.IsActive);
        await ChangeAsync(lab, new LedgerEffect.WebhookReplayed("dev", WebhookId, null, 2));
        Assert.Equal([(2L, 0)], await WaitingAsync());
        Assert.Equal(2, (await lab.Store.FindWebhookAsync("dev", WebhookId))!.Cursor);
        await ChangeAsync(lab, new LedgerEffect.WebhookReplayed("dev", WebhookId, null, 30));
        Assert.Equal(2, (await lab.Store.FindWebhookAsync("dev", WebhookId))!.Cursor);

        await ChangeAsync(lab, new LedgerEffect.WebhookDeleted("dev", WebhookId));
        Assert.Empty(await WaitingAsync());
    }

    [Fact]
    public async Task Ticket_IsUsedFirstInTime_FromItsPage_AndIsTheLastConnectionsOwn()
    {
        await using var lab = await OpenAsync();
        var ticket = new TicketRow([1, 2], "dev", [3], """{"intent":"a.*"}""", "https://app.example.com", Now.AddSeconds(60), Now.AddMinutes(10));
        await lab.Store.InsertTicketAsync(ticket, Now);
        await lab.Store.InsertTicketAsync(ticket with { Hash = [2] }, Now);
        Task<TicketRow?> TakeAsync(string connection, DateTimeOffset at, params string[] origins) => lab.Store.TakeTicketAsync([1, 2], origins, connection, at).AsTask();

        Assert.Null(await TakeAsync("c1", Now, "https://evil.example.com"));
        Assert.Null(await TakeAsync("c1", Now.AddSeconds(60), ticket.Origin));
        Assert.Null(await lab.Store.TakeTicketAsync([9], [ticket.Origin], "c1", Now));
        Assert.Null(await lab.Store.TicketConnectionAsync([1, 2]));
        var taken = (await TakeAsync("c1", Now.AddSeconds(59), "http://app.example.com", ticket.Origin))!;
        Assert.Equal((ticket.Tenant, ticket.Filter, ticket.Origin, ticket.FirstUseUntil, ticket.ExpiresAt, "c1"), (taken.Tenant, taken.Filter, taken.Origin, taken.FirstUseUntil, taken.ExpiresAt, taken.Connection));
        Assert.Equal(ticket.TokenHash, taken.TokenHash);
        Assert.NotNull(await TakeAsync("c2", Now.AddMinutes(9), ticket.Origin));
        Assert.Equal("c2", await lab.Store.TicketConnectionAsync([1, 2]));
        Assert.Null(await TakeAsync("c3", Now.AddMinutes(10), ticket.Origin));

        await lab.Store.InsertTicketAsync(ticket with { Hash = [3], ExpiresAt = Now.AddHours(2) }, Now.AddHours(1));
        Assert.Null(await lab.Store.TicketConnectionAsync([1, 2]));
    }

    private static async Task<IReadOnlyList<AppendConflict?>> ChangeAsync(StoreLab lab, params LedgerEffect[] changes) =>
        await lab.CommitAsync([.. changes.Select(change => StoreLab.Request(StoreLab.Span("urn:webhook:dev/" + WebhookId, "webhook.create", effects: change)))]);

    private static DeliveryRound Round(WebhookRow webhook, string owner, long cursor, IReadOnlyList<DeliveryRow> rows) => new(webhook, owner, cursor, null, rows, AllDue: false, Kept: 100);

    private static DeliveryRow NewDelivery(long seq, string subject, DeliveryState state) => new(seq, "registry.person.create", subject, state, 0, null, Now, null, null, null);

    private static WebhookRow NewWebhook(string id = WebhookId) => new()
    {
        WebhookId = id, Tenant = "dev", Env = "dev", Url = "https://example.com/hook", Events = ["deploy.*", "registry.*"], Description = "Tests", CreatedAt = Now,
    };
}
