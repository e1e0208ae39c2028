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

    /// <summary>Docker takes a second wish for a failure while it carries out the first.</summary>
    [Fact]
    public async Task ContainerThatSomebodyElseIsRemoving_IsWaitedFor()
    {
        await using var fake = Engine("409 Conflict", "removal of container two is already in progress");

        Assert.Equal(All, (await EndAsync(fake)).Body.Texts("removed"));
        Assert.Contains(fake.Requests, request => request.StartsWith("GET ", StringComparison.Ordinal) && request.EndsWith("/two/json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OrphanThatWentByItself_IsNoFailureOfACleanUp()
    {
        await using var fake = Engine("404 Not Found", "No such container: two");
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var plan = (await adapter.Primitives["cleanup.plan"](Call("{}"), TestContext.Current.CancellationToken)).Body;

        var applied = await adapter.Primitives["cleanup.apply"](Call($$"""{"plan_digest":"{{plan.Text("plan_digest")}}"}"""), TestContext.Current.CancellationToken);

        Assert.Equal(0, applied.ExitCode);
        Assert.Equal(All, applied.Body.Items("removed").Select(one => one.Text("name")));
        Assert.Empty(applied.Body.Items("failed"));
    }

    /// <summary>What held its turn was a start: it runs, and is an orphan no more.</summary>
    [Fact]
    public async Task OrphanThatIsStartedWhileItsTurnIsWaitedFor_Stays()
    {
        var state = "exited";
        var labels = Labels("two").Replace("\"logline.strategy\":\"session\"", "\"logline.strategy\":\"ephemeral\"", StringComparison.Ordinal);
        await using var fake = new FakeEngine(request =>
            request == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
            : request.EndsWith("/two/json", StringComparison.Ordinal) ? FakeEngine.Json($$$"""{"Id":"two","Name":"/dev-two","State":{"Status":"{{{state}}}"},"Config":{"Labels":{{{labels}}}}}""")
            : request.StartsWith("GET ", StringComparison.Ordinal) ? FakeEngine.Json($$$"""[{"Id":"two","Names":["/dev-two"],"State":"{{{state}}}","Labels":{{{labels}}}}]""")
            : FakeEngine.Json("", "204 No Content"));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        var plan = (await adapter.Primitives["cleanup.plan"](Call("{}"), TestContext.Current.CancellationToken)).Body;

        var applied = await adapter.Primitives["cleanup.apply"](Call($$"""{"plan_digest":"{{plan.Text("plan_digest")}}"}""") with
        {
            TurnOf = (_, _) =>
            {
                state = "running";
                return Task.FromResult<IDisposable?>(new MemoryStream());
            },
        }, TestContext.Current.CancellationToken);

        Assert.Equal(1, applied.ExitCode);
        Assert.Contains("no orphan any more", Assert.Single(applied.Body.Items("failed")).GetRawText());
        Assert.DoesNotContain(fake.Requests, request => request.StartsWith("DELETE ", StringComparison.Ordinal));
    }

    static FakeEngine Engine(string status, string words) => new(request =>
        request == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
        : request.EndsWith("/two/json", StringComparison.Ordinal) && status.StartsWith("409", StringComparison.Ordinal) ? FakeEngine.Json("""{"message":"No such container: two"}""", "404 Not Found")
        : request.EndsWith("/json", StringComparison.Ordinal) ? FakeEngine.Json(Detail(request.Split('/')[^2]))
        : request.StartsWith("GET ", StringComparison.Ordinal) ? FakeEngine.Json($"[{string.Join(',', ((string[])["one", "two", "three"]).Select(Container))}]")
        : request.Contains("/two?", StringComparison.Ordinal) ? FakeEngine.Json($$"""{"message":"{{words}}"}""", status)
        : FakeEngine.Json("", "204 No Content"));

    static string Container(string name) => $$$"""{"Id":"{{{name}}}","Names":["/dev-{{{name}}}"],"State":"running","Labels":{{{Labels(name)}}}}""";

    static string Detail(string name) => $$$"""{"Id":"{{{name}}}","Name":"/dev-{{{name}}}","State":{"Status":"running"},"Config":{"Labels":{{{Labels(name)}}}}}""";

    static string Labels(string name) => $$"""{"logline.tenant":"dev","logline.name":"{{name}}","logline.run_id":"run_{{name}}","logline.session_id":"s","logline.strategy":"session"}""";

    static async Task<PrimitiveResult> EndAsync(FakeEngine fake)
    {
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);
        return await adapter.Primitives["session.end"](Call("{}"), TestContext.Current.CancellationToken);
    }

    static PrimitiveCall Call(string arguments) => new()
    {
        RunId = "run_end", Tenant = "dev", Name = "s", Arguments = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(arguments)).Root, Begun = () => Task.CompletedTask, Artifacts = null!, HasEnded = (_, _) => ValueTask.FromResult(true),
        Progress = _ => Task.CompletedTask, TurnOf = async (name, cancel) => await new WorkloadTurns().TakeAsync("docker", "dev", name, cancel),
    };
}
