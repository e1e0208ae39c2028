using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>An image has a registry's name only while it is sent there; two send one image to one name at the same time.</summary>
public sealed class SharedNameTests
{
    /// <summary>The other one is of another worker, had given the image its name, and takes it back in the middle.</summary>
    [Fact]
    public async Task NameTakenBackInTheMiddle_IsGivenAnew_AndTakenBack()
    {
        var (has, isSent) = (true, false);
        await using var fake = Engine(() => has, it => has = it, () =>
        {
            var (had, first) = (has, !isSent);
            (has, isSent) = (has && !first, true);
            return had && !first;
        });
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        await SendAsync(adapter);

        Assert.Equal(2, Count(fake, "/push?"));
        Assert.False(has);
    }

    [Fact]
    public async Task TwoOfOneWorker_TakeTurns()
    {
        var has = false;
        using var goesOn = new ManualResetEventSlim();
        await using var fake = Engine(() => has, it => has = it, () =>
        {
            goesOn.Wait(TestContext.Current.CancellationToken);
            return has;
        });
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        var first = SendAsync(adapter);
        await Patience.UntilAsync("the first push", () => Count(fake, "/push?") == 1);
        var second = SendAsync(adapter);
        await Patience.UntilAsync("the second one's look at the image", () => Count(fake, "localhost%2Fdev%2Fa%3A1/json") == 2);
        goesOn.Set();
        await Task.WhenAll(first, second);

        // Each gave it the name, and took it back.
        Assert.Equal((2, 2), (Count(fake, "/tag?"), Count(fake, "DELETE ")));
    }

    static int Count(FakeEngine fake, string part) => fake.Requests.Count(request => request.Contains(part, StringComparison.Ordinal));

    /// <summary>An engine with one image; whether it has the registry's name too, and whether a push succeeds, the test says.</summary>
    static FakeEngine Engine(Func<bool> has, Action<bool> set, Func<bool> push) => new(request =>
    {
        if (request == "GET /version")
            return FakeEngine.Json(FakeEngine.Version);
        if (request.Contains("/images/reg.example%2Fa%3A1/json", StringComparison.Ordinal))
            return has() ? Image() : FakeEngine.Json("""{"message":"No such image"}""", "404 Not Found");
        if (request.Contains("/push?", StringComparison.Ordinal))
            return FakeEngine.Json(push() ? """{"status":"Pushed"}""" : """{"error":"tag does not exist"}""");
        if (request.Contains("/tag?", StringComparison.Ordinal) || request.StartsWith("DELETE ", StringComparison.Ordinal))
            set(request.StartsWith("POST ", StringComparison.Ordinal));
        return request.StartsWith("GET ", StringComparison.Ordinal) ? Image() : FakeEngine.Json("[]");
    });

    static byte[] Image() => FakeEngine.Json("""{"Id":"sha256:aa","RepoTags":["localhost/dev/a:1"]}""");

    static Task<PrimitiveResult> SendAsync(EngineAdapter adapter) => adapter.Primitives["image.push"](new PrimitiveCall
    {
        RunId = "run_x", Tenant = "dev", Name = "", Arguments = CanonicalJson.Parse("""{"image":"localhost/dev/a:1","to":"reg.example/a:1"}"""u8).Root, Begun = () => Task.CompletedTask, Artifacts = null!,
        HasEnded = (_, _) => ValueTask.FromResult(true), Progress = _ => Task.CompletedTask,
    }, TestContext.Current.CancellationToken);
}
