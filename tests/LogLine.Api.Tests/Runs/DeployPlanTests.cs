using System.Net;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary><c>deploy.plan</c>, and <c>deploy.apply</c> that holds to one.</summary>
public sealed class DeployPlanTests : IAsyncDisposable
{
    private readonly FakeAdapter _fake = new();
    private TestGateway _gateway = null!;

    [Fact]
    public async Task NothingRuns_CreatesStartsChecks()
    {
        await StartAsync();
        var reference = await _gateway.ApplyAsync("web", 1, ""","lifecycle":{"health":{"http":{"port":8080,"path":"/up"}}}""");
        var plan = await _gateway.PlanAsync("web", reference);

        Assert.Equal(["create", "start", "check"], plan.Actions());
        Assert.Contains("GET /up", plan.Items("actions").Last().Text("why"));
        Assert.Equal(("create", true, false), (plan.Text("strategy"), plan.Flag("changes"), plan.Flag("gap")));
        Assert.Equal("nonexistent", plan.Member("current").Text("state"));
        Assert.Equal((0, 0), (_fake.Created, _fake.Started));
        Assert.Empty(await _gateway.Ledger.Store.RunsAsync("dev", null, 10));
    }

    [Fact]
    public async Task SameQuestion_SameDigest_AnotherStateAnotherDigest()
    {
        await StartAsync();
        var (one, two) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2));
        var first = await _gateway.PlanAsync("web", two);
        var again = await _gateway.PlanAsync("web", two);
        Assert.Equal(first.GetRawText(), again.GetRawText());
        Assert.Matches("^blake3:[0-9a-f]{64}$", first.Text("plan_digest"));

        await _gateway.RunAsync("web", one);
        var after = await _gateway.PlanAsync("web", two);
        Assert.NotEqual(first.Text("plan_digest"), after.Text("plan_digest"));
        Assert.NotEqual(first.Text("observed"), after.Text("observed"));
    }

    [Fact]
    public async Task Diff_ShowsWhatChanges_AndNoValueOfEnv()
    {
        await StartAsync();
        await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ""","args":["a"],"user":"1000" """));
        var plan = await _gateway.PlanAsync("web", await _gateway.ApplyAsync("web", 2, ""","args":["a","b"],"resources":{"pids":9}"""));

        Assert.Equal(
            ["replace /args [\"a\"] [\"a\",\"b\"]", "replace /env/VERSION \"«redacted»\" \"«redacted»\"", "add /resources/pids  9", "remove /user \"1000\" "],
            plan.Items("diff").Select(change => $"{change.Text("op")} {change.Text("path")} {Raw(change, "from")} {Raw(change, "to")}"));
        Assert.DoesNotContain("VERSION\":\"2", plan.GetRawText());
        Assert.Equal(["create", "start", "check", "stop", "remove", "rename"], plan.Actions());
    }

    [Fact]
    public async Task SameHostPort_StopsTheOldOneFirst_AndSaysSo()
    {
        await StartAsync();
        await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1, ""","ports":[{"host":8081,"container":80}]"""));
        var contested = await _gateway.PlanAsync("web", await _gateway.ApplyAsync("web", 2, ""","ports":[{"host":8081,"container":80}]"""));
        Assert.Equal(["create", "stop", "start", "check", "remove", "rename"], contested.Actions());
        Assert.True(contested.Flag("gap"));
        Assert.Contains("8081", contested.Items("actions").ElementAt(1).Text("why"));

        var free = await _gateway.PlanAsync("web", await _gateway.ApplyAsync("web", 3, ""","ports":[{"host":8082,"container":80}]"""));
        Assert.Equal(("beside", false), (free.Text("strategy"), free.Flag("gap")));
    }

    [Fact]
    public async Task Apply_HoldsToThePlan_OrIsRefused()
    {
        await StartAsync();
        var (one, two) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2));
        var stale = (await _gateway.PlanAsync("web", two)).Text("plan_digest")!;
        await _gateway.RunAsync("web", one);

        var refused = await _gateway.ProvedAsync("deploy.apply", "web", Held(two, stale));
        Assert.Equal("409_LIFECYCLE_CONFLICT", refused.Code);
        Assert.Equal("deploy.plan", refused.Json.Member("details").Texts("legal").Single());
        var fresh = (await _gateway.PlanAsync("web", two)).Text("plan_digest")!;
        Assert.Equal(fresh, refused.Detail("plan_digest"));
        var done = await _gateway.SendAsync("deploy.apply", "web", Held(two, fresh), wait: 55);
        Assert.Equal("running", done.Json.Member("run").Text("state"));
    }

    [Fact]
    public async Task ProofOfAPlan_LetsThatPlanThroughAlone()
    {
        await StartAsync();
        var reference = await _gateway.ApplyAsync("web", 1);
        var digest = (await _gateway.PlanAsync("web", reference)).Text("plan_digest")!;
        await _gateway.ProveAsync("web", proof => proof with { PlanDigest = digest });

        Assert.Equal("428_PROOF_REQUIRED", (await _gateway.SendAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).Code);
        Assert.Equal("428_PROOF_REQUIRED", (await _gateway.SendAsync("deploy.apply", "web", Held(reference, "blake3:" + new string('0', 64)))).Code);
        Assert.Equal(HttpStatusCode.OK, (await _gateway.SendAsync("deploy.apply", "web", Held(reference, digest))).Status);
    }

    [Fact]
    public async Task SameRefAgain_ChangesNothing_AnswersWithTheRunThatIsThere()
    {
        await StartAsync();
        var reference = await _gateway.ApplyAsync("web", 1);
        var run = await _gateway.RunAsync("web", reference);
        var plan = await _gateway.PlanAsync("web", reference);
        Assert.Equal((0, 0, false), (plan.Actions().Count(), plan.Items("diff").Count(), plan.Flag("changes")));

        var again = await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, "web"), wait: 55);
        Assert.Equal((run, false, "running"), (again.RunId(), again.Json.Member("result").Flag("changed"), again.Json.Member("result").Text("state")));
        Assert.Equal((1, 1), (_fake.Created, _fake.Started));
        Assert.Single(await _gateway.Ledger.Store.RunsAsync("dev", null, 10));
        Assert.Equal("428_PROOF_REQUIRED", (await _gateway.SendAsync("deploy.apply", "web", DeployActs.Order(reference, "web"))).Code);
    }

    [Fact]
    public async Task WhatIsNotThere_IsRefusedAsForADeploy()
    {
        await StartAsync();
        var reference = await _gateway.ApplyAsync("web", 1);
        Assert.Equal("404_NOT_FOUND", (await _gateway.SendAsync("deploy.plan", "web", DeployActs.Order(reference[..^4] + (reference.EndsWith("0000", StringComparison.Ordinal) ? "1111" : "0000"), "web"))).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await _gateway.SendAsync("deploy.plan", "web", DeployActs.Order(reference, "web", "nowhere"))).Code);
        _fake.Look = _ => throw new AdapterException(AdapterFailure.Unavailable, "the fake is down");
        Assert.Equal("503_ADAPTER_UNAVAILABLE", (await _gateway.SendAsync("deploy.plan", "web", DeployActs.Order(reference, "web"))).Code);
    }

    private static object Held(string reference, string digest) => new { @ref = reference, target = new { provider = "fake", service = "web" }, plan_digest = digest };

    private static string Raw(System.Text.Json.JsonElement change, string name) =>
        change.Member(name) is { ValueKind: not System.Text.Json.JsonValueKind.Undefined } value ? System.Text.RegularExpressions.Regex.Unescape(value.GetRawText()) : "";

    private async Task StartAsync() => _gateway = await (await TestGateway.StartAsync([_fake])).RegisterKeyAsync();

    public async ValueTask DisposeAsync() => await _gateway.DisposeAsync();
}
