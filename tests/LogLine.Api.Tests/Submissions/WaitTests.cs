using System.Text.Json;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Submissions;

/// <summary><c>Prefer: wait</c>: what is done beside the commits that a request waits for, and what of it is kept.</summary>
public sealed class WaitTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly PrimitiveResult Nothing = new(CanonicalJson.Parse("{}"u8).Root);

    /// <summary>A look changes nothing, so it need not wait for the disk; what it brings does.</summary>
    [Fact]
    public async Task Glance_BeginsWhileItsRunIsBeingCommitted_AndIsAnsweredBehindIt()
    {
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var looks = 0;
        Task<PrimitiveResult> Look(PrimitiveCall call, CancellationToken cancel)
        {
            Interlocked.Increment(ref looks);
            looked.TrySetResult();
            return Task.FromResult(Nothing);
        }
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.list"] = Look } }]);
        var desk = gateway.Services.GetRequiredService<RunDesk>();
        await Patience.UntilAsync("the worker takes runs from their commit on", () => desk.Taker is not null);
        using var other = new SqliteSession(Path.Combine(gateway.Folder, "ledger.db"), readOnly: false);
        other.Execute("BEGIN IMMEDIATE"); // nothing is committed meanwhile

        var answering = PostAsync(gateway, "container.list", "urn:container:dev", "");
        await looked.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.False(answering.IsCompleted);
        Assert.Empty(await gateway.Ledger.Store.RunsAsync("dev", null, 10));
        other.Execute("ROLLBACK");
        var answer = await answering;

        Assert.Equal(("exited", 1), (answer.Json.Member("run").Text("state"), looks));
    }

    [Theory]
    [InlineData("container.pause", true), InlineData("container.top", false)]
    public async Task WhatChangesSomething_AndALookThatFails_EndAsTheyDidBefore(string intent, bool changes)
    {
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { [intent] = (_, _) => changes ? Task.FromResult(Nothing) : Task.FromException<PrimitiveResult>(new AdapterException(AdapterFailure.Unavailable, "the engine is gone")) } };
        await using var gateway = await TestGateway.StartAsync([fake]);
        var made = await fake.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_earlier", Image = "x" }, Cancel);
        await fake.StartAsync(made.Id, Cancel);

        var answer = await PostAsync(gateway, intent, "urn:container:dev/web", ""","name":"web" """);

        Assert.Equal(changes ? "exited" : "failed", answer.Json.Member("run").Text("state"));
        Assert.Equal(changes ? null : "the engine is gone", answer.Json.Member("result").Text("error"));
    }

    /// <summary>The commit that ends the wait keeps the Ack: nothing is written behind it, and a replay says the same, byte for byte but for saying that it is one.</summary>
    [Fact]
    public async Task Ack_IsKeptByTheCommitThatEndsItsWait()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.list"] = (_, _) => Task.FromResult(Nothing) } }]);
        void WithKey(HttpRequestMessage request) => request.Set("Idempotency-Key", "once");

        var first = await PostAsync(gateway, "container.list", "urn:container:dev", "", WithKey);
        var kept = (await gateway.Ledger.Store.FindSpanAsync("dev", first.Json.Text("this")!))!.Answer!;
        var again = await PostAsync(gateway, "container.list", "urn:container:dev", "", WithKey);

        Assert.Equal("exited", JsonElement.Parse(kept).Member("run").Text("state"));
        Assert.True(again.Json.Flag("replayed"));
        Assert.Equal(first.Body, again.Body.Replace("\"replayed\":true", "\"replayed\":false", StringComparison.Ordinal));
    }

    /// <summary>When the time is over first, whoever waited keeps the Ack, and the run's end changes nothing of it.</summary>
    [Fact]
    public async Task Ack_ThatWaitedInVain_StaysAsItWasSent()
    {
        var end = new TaskCompletionSource<PrimitiveResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = (_, _) => end.Task } }]);
        const string Order = ""","image":"localhost/logline-test:1" """;
        void WithKey(HttpRequestMessage request) => request.Set("Idempotency-Key", "once");

        var first = await PostAsync(gateway, "image.pull", "urn:image:dev", Order, WithKey, wait: 1);
        end.SetResult(Nothing);
        var run = first.Json.Member("run").Text("run_id")!;
        using var signal = gateway.Services.GetRequiredService<RunDesk>().Watch(run);
        for (var moved = signal.Next; (await gateway.Ledger.Store.FindRunAsync(run))?.HasEnded != true; moved = signal.Next)
        {
            await moved.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        }
        var again = await PostAsync(gateway, "image.pull", "urn:image:dev", Order, WithKey, wait: 1);

        Assert.Equal("pending", first.Json.Member("run").Text("state"));
        Assert.Equal(first.Body, again.Body.Replace("\"replayed\":true", "\"replayed\":false", StringComparison.Ordinal));
    }

    private static Task<Answer> PostAsync(TestGateway gateway, string intent, string subject, string members, Action<HttpRequestMessage>? change = null, int wait = 30) =>
        gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{"target":{"provider":"fake"}{{members}}} }""", request =>
        {
            request.Headers.Add("Prefer", $"wait={wait}");
            change?.Invoke(request);
        });
}
