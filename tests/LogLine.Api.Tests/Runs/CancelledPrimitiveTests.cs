using System.Net;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>A primitive that is cancelled and cannot clean up behind itself has been cancelled, and not failed.</summary>
public sealed class CancelledPrimitiveTests
{
    [Fact]
    public async Task WorkThatFailsWhileItIsBrokenOff_IsCancelled()
    {
        static async Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            catch (OperationCanceledException)
            {
                throw new AdapterException(AdapterFailure.Unavailable, "what was begun cannot be taken back: the engine is away");
            }
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = Exec } }])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));

        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        var asked = await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:container:dev/web","payload":{"run_id":"{{{run}}}"}}""");
        Assert.True(asked.Status == System.Net.HttpStatusCode.OK, asked.Body);
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("cancelled", "cancelled"), (ended.Text("state"), ended.Text("reason")));
    }

    /// <summary>A command that goes on all the same: the run, its span and an Ack that waited say so, and how to end it.</summary>
    [Fact]
    public async Task CommandThatCannotBeEnded_IsSaidToGoOn()
    {
        var begun = new TaskCompletionSource<string>();
        async Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            begun.SetResult(call.RunId);
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            catch (OperationCanceledException broken)
            {
                throw CommandLeftException.OutOfReach(broken);
            }
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = Exec } }])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));

        var waiting = gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""", request => request.Headers.Add("Prefer", "wait=60"));
        var run = await begun.Task;
        await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:container:dev/web","payload":{"run_id":"{{{run}}}"}}""");
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");
        var events = await gateway.PostAsync("""{"intent":"run_state.cancelled","limit":10}""", path: "/v1/spans/query");

        Assert.Equal(("cancelled", "cancelled"), (ended.Text("state"), ended.Text("reason")));
        Assert.Contains("goes on", ended.Text("error"));
        Assert.Contains("container.stop, container.restart", ended.Text("error"));
        Assert.Equal(ended.Text("error"), (await waiting).Json.Member("result").Text("error"));
        Assert.Contains(ended.Text("error")!, events.Body);
    }

    /// <summary>What a run has made goes before it is said to be cancelled. An engine that comes back is waited for; while it stays away nobody knows, and that is what the run says.</summary>
    [Theory]
    [InlineData(0, AdapterFailure.Unavailable, "cancelled", "cancelled"), InlineData(3, AdapterFailure.Unavailable, "cancelled", "cancelled"), InlineData(int.MaxValue, AdapterFailure.Unavailable, "cancelled", "cancelled", false)]
    [InlineData(int.MaxValue, AdapterFailure.Unavailable, "failed", "adapter_unavailable"), InlineData(int.MaxValue, AdapterFailure.Conflict, "failed", "lifecycle_conflict")]
    public async Task WhatWasMade_GoesBeforeTheRunIsCancelled(int refusals, AdapterFailure failure, string state, string reason, bool isMaking = true)
    {
        var (made, asked) = (new TaskCompletionSource<string>(), 0);
        async Task<PrimitiveResult> Create(PrimitiveCall call, CancellationToken cancel)
        {
            if (isMaking)
            {
                call.Making();
            }
            made.SetResult(call.RunId);
            await Task.Delay(Timeout.Infinite, cancel);
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        async Task<bool> Unmake(PrimitiveCall call, CancellationToken cancel)
        {
            Assert.Equal((await made.Task, "dev", "data"), (call.RunId, call.Tenant, call.Name));
            return asked++ >= refusals ? true : throw new AdapterException(failure, "the engine's own words");
        }
        var target = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["volume.create"] = Create }, Unmakings = new Dictionary<string, Unmaking> { ["volume.create"] = Unmake } };
        await using var gateway = await TestGateway.StartAsync([target], new HastyTime(TimeSpan.FromSeconds(1)), settings: new Dictionary<string, string?> { ["LogLine:Leases:Seconds"] = "600" });

        var run = (await gateway.PostAsync("""{"intent":"volume.create","subject":"urn:volume:dev/data","payload":{"target":{"provider":"fake"},"name":"data"}}""")).RunId();
        await made.Task;
        await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:volume:dev/data","payload":{"run_id":"{{{run}}}"}}""");
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal((state, reason), (ended.Text("state"), ended.Text("reason")));
        Assert.Equal(state == "failed", ended.Text("error")?.Contains("the engine's own words", StringComparison.Ordinal) ?? false);
        Assert.True(state == "failed" ? asked > (failure == AdapterFailure.Conflict ? 0 : 10) : asked == (isMaking ? refusals + 1 : 0), $"asked {asked} times");
    }

    /// <summary>Whatever a run is about: the subject of its cancel is its own, whether that has a name or not.</summary>
    [Theory]
    [InlineData("image.pull", "urn:image:dev", "\"image\":\"localhost/x:1\"")]
    [InlineData("image.build", "urn:image:dev", "\"artifact\":\"blake3:0000000000000000000000000000000000000000000000000000000000000000\",\"tag\":\"x:1\"")]
    [InlineData("network.create", "urn:network:dev/inner", "\"name\":\"inner\"")]
    [InlineData("network.sever", "urn:network:dev", "\"from\":\"a\",\"to\":\"b\"")]
    [InlineData("volume.create", "urn:volume:dev/data", "\"name\":\"data\"")]
    [InlineData("session.end", "urn:session:dev/s1", "\"name\":\"s1\"")]
    [InlineData("task.end", "urn:task:dev/t1", "\"name\":\"t1\"")]
    [InlineData("system.info", "urn:system:dev", "")]
    [InlineData("container.list", "urn:container:dev", "")]
    public async Task AnyRun_IsCancelledUnderItsOwnSubject_AndOnceOnly(string intent, string subject, string members)
    {
        static async Task<PrimitiveResult> Wait(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            await Task.Delay(Timeout.Infinite, cancel);
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { [intent] = Wait } }]);
        var context = intent == "image.build" ? await gateway.UploadAsync("x"u8.ToArray()) : "";
        var payload = members.Replace("blake3:0000000000000000000000000000000000000000000000000000000000000000", context) is { Length: > 0 } own ? "," + own : "";
        var run = (await gateway.PostAsync($$$"""{"intent":"{{{intent}}}","subject":"{{{subject}}}","payload":{"target":{"provider":"fake"}{{{payload}}}}}""")).RunId();
        await gateway.RunInAsync(run, intent == "container.list" ? "pending" : "running"); // what only looks has nothing to say on its way
        var other = await gateway.AddTokenAsync("other", "*");

        var foreign = await CancelAsync(subject.Replace(":dev", ":other"), request => request.UseToken(other));
        var stolen = await CancelAsync(subject, request => request.UseToken(other));
        var mistaken = await CancelAsync("urn:minicontainer:dev/web");
        var misspelt = await CancelAsync(subject.Replace("dev", "dev/x/y"));
        var asked = await CancelAsync(subject);
        await gateway.RunInAsync(run, "cancelled");
        var again = await CancelAsync(subject);

        Assert.Equal(("404_NOT_FOUND", "403_FORBIDDEN"), (foreign.Code, stolen.Code));
        Assert.Equal(("/subject", "consistency"), mistaken.Error());
        Assert.Equal(("/subject", "subject"), misspelt.Error());
        Assert.True(asked.Status == HttpStatusCode.OK, asked.Body);
        Assert.Equal("409_LIFECYCLE_CONFLICT", again.Code);
        Assert.Equal("run_state.cancelled", Assert.Single(await gateway.StatesAsync(run), state => DeployActs.Ends.Contains(state)));

        Task<Answer> CancelAsync(string of, Action<HttpRequestMessage>? adjust = null) => gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"{{{of}}}","payload":{"run_id":"{{{run}}}"}}""", adjust);
    }

    /// <summary>Cancelled before any worker had it: the one that gets it ends it, and does nothing.</summary>
    [Fact]
    public async Task RunThatIsCancelledBeforeAWorkerHasIt_IsNotCarriedOut()
    {
        var carriedOut = 0;
        var target = new FakeAdapter
        {
            Primitives = new Dictionary<string, Primitive>
            {
                ["image.pull"] = (_, _) =>
                {
                    carriedOut++;
                    return Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root));
                },
            },
        };
        var folder = Directory.CreateTempSubdirectory("logline-cancelled-").FullName;
        try
        {
            string run;
            await using (var gateway = await TestGateway.StartAsync([target], folder: folder, role: "gateway"))
            {
                run = (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();
                var asked = await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:image:dev","payload":{"run_id":"{{{run}}}"}}""");
                Assert.True(asked.Status == HttpStatusCode.OK, asked.Body);
            }
            await using var worker = await TestGateway.StartAsync([target], folder: folder);
            var ended = await worker.RunInAsync(run, "exited", "failed", "cancelled");

            Assert.Equal(("cancelled", 0), (ended.Text("state"), carriedOut));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A sentence names the run; its subject nobody knows better than the gateway.</summary>
    [Theory, InlineData("cancel {0}"), InlineData("parar execução {0}")]
    public async Task SentenceThatNamesARunOfAnImage_CancelsIt(string sentence)
    {
        static async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            await Task.Delay(Timeout.Infinite, cancel);
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = Pull } }]);
        var run = (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();

        var answer = await gateway.PostAsync(TestGateway.Json(new { paragraph = string.Format(null, sentence, run), dry_run = false }), path: "/v1/universal");

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal("urn:image:dev", answer.Json.Member("compiled_span").Text("subject"));
        await gateway.RunInAsync(run, "cancelled");
    }
}
