using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A session ends while one of its three containers cannot be removed, or went by itself: the others go all the same.</summary>
public sealed class GroupEndTests
{
    static readonly string[] All = ["one", "three", "two"];

    [Fact]
    public async Task ContainerThatWentByItself_IsNoFailure()
    {
        await using var fake = Engine("404 Not Found", "No such container: two");

        Assert.Equal(All, (await EndAsync(fake)).Body.Texts("removed"));
    }

    [Fact]
    public async Task ContainerThatIsRefused_FailsTheEnd_AndTheOthersAreGone()
    {
        await using var fake = Engine("409 Conflict", "it is in use");

        var failure = await Assert.ThrowsAsync<AdapterException>(() => EndAsync(fake));

        Assert.Contains("in use", failure.Message);
        Assert.Equal(3, fake.Requests.Count(request => request.StartsWith("DELETE ", StringComparison.Ordinal)));
    }

    static FakeEngine Engine(string status, string words) => new(request =>
        request == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
        : request.StartsWith("GET ", StringComparison.Ordinal) ? FakeEngine.Json($"[{string.Join(',', ((string[])["one", "two", "three"]).Select(Container))}]")
        : request.Contains("/two?", StringComparison.Ordinal) ? FakeEngine.Json($$"""{"message":"{{words}}"}""", status)
        : FakeEngine.Json("", "204 No Content"));

    static string Container(string name) => $$$"""{"Id":"{{{name}}}","Names":["/dev-{{{name}}}"],"State":"running","Labels":{"logline.tenant":"dev","logline.name":"{{{name}}}","logline.run_id":"run_{{{name}}}","logline.session_id":"s","logline.strategy":"session"}}""";

    static async Task<PrimitiveResult> EndAsync(FakeEngine fake)
    {
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        return await adapter.Primitives["session.end"](new PrimitiveCall
        {
            RunId = "run_end", Tenant = "dev", Name = "s", Arguments = CanonicalJson.Parse("{}"u8).Root, Begun = () => Task.CompletedTask, Artifacts = null!, HasEnded = (_, _) => ValueTask.FromResult(true), Progress = _ => Task.CompletedTask,
        }, TestContext.Current.CancellationToken);
    }
}
