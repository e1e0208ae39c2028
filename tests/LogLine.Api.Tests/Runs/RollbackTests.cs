using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary><c>deploy.rollback</c>: to the last good ref, or to one that is named, as a run of its own.</summary>
public sealed class RollbackTests : IAsyncDisposable
{
    private readonly FakeAdapter _fake = new();
    private TestGateway _gateway = null!;

    [Fact]
    public async Task ByRun_GoesBackToTheLastGoodRef()
    {
        await StartAsync();
        var (one, two, three) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2), await _gateway.ApplyAsync("web", 3));
        await _gateway.RunAsync("web", one);
        var good = await _gateway.RunAsync("web", two);
        _fake.ExitsAtOnce = 1;
        var bad = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(three, "web"))).RunId();
        await _gateway.RunInAsync(bad, "failed");
        _fake.ExitsAtOnce = null;

        // The one before the bad run is what runs: nothing to do. Before that one there was another.
        var nothing = await _gateway.ProvedAsync("deploy.rollback", "web", new { run_id = bad });
        Assert.Equal((good, false, two), (nothing.RunId(), nothing.Json.Member("result").Flag("changed"), nothing.Json.Member("result").Text("ref")));
        var back = await _gateway.ProvedAsync("deploy.rollback", "web", new { run_id = good, reason = "slow" }, wait: 55);

        Assert.Equal("running", back.Json.Member("run").Text("state"));
        var run = (await _gateway.GetAsync("/v1/runs/" + back.RunId())).Json;
        Assert.Equal(("deploy.rollback", one), (run.Text("intent"), run.Text("ref")));
        Assert.Equal("replaced", (await _gateway.RunInAsync(good, "exited")).Text("reason"));
        Assert.Equal("deploy.rollback", (await _gateway.StatesAsync(back.RunId()))[0]);
    }

    [Fact]
    public async Task Proof_IsForTheRefThatItGoesBackTo()
    {
        await StartAsync();
        var (one, two) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2));
        await _gateway.RunAsync("web", one);
        var unwanted = await _gateway.RunAsync("web", two);

        var asked = await _gateway.SendAsync("deploy.rollback", "web", new { run_id = unwanted });
        Assert.Equal(("428_PROOF_REQUIRED", one, "deploy.allow"), (asked.Code, asked.Detail("ref"), asked.Detail("required_proof_intent")));
        await _gateway.ProveAsync("web", proof => proof with { Ref = two });
        Assert.Equal("428_PROOF_REQUIRED", (await _gateway.SendAsync("deploy.rollback", "web", new { run_id = unwanted })).Code);
        await _gateway.ProveAsync("web", proof => proof with { Ref = one, Target = CanonicalJson.Parse("""{"provider":"fake","service":"web"}""") });
        (await _gateway.SendAsync("deploy.rollback", "web", new { run_id = unwanted })).RunId();
    }

    [Fact]
    public async Task ByRef_GoesBackToThatOne_IfItWasGood()
    {
        await StartAsync();
        var (one, two, never) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2), await _gateway.ApplyAsync("web", 3));
        await _gateway.RunAsync("web", one);
        await _gateway.RunAsync("web", two);

        Assert.Equal("404_NOT_FOUND", (await _gateway.ProvedAsync("deploy.rollback", "web", new { @ref = never })).Code);
        var back = await _gateway.SendAsync("deploy.rollback", "web", new { @ref = one }, wait: 55);
        Assert.Equal(("running", one), (back.Json.Member("run").Text("state"), back.Json.Member("result").Text("ref")));
    }

    [Fact]
    public async Task NothingToGoBackTo_IsNotFound_NeitherNamed_IsAskedFor()
    {
        await StartAsync();
        var only = await _gateway.RunAsync("web", await _gateway.ApplyAsync("web", 1));
        var refused = await _gateway.ProvedAsync("deploy.rollback", "web", new { run_id = only });
        Assert.Equal("404_NOT_FOUND", refused.Code);
        Assert.Contains("nothing to go back to", refused.Body);
        Assert.Equal("404_NOT_FOUND", (await _gateway.SendAsync("deploy.rollback", "web", new { run_id = "run_0" })).Code);
        Assert.Equal("422_TDLN_INVALID", (await _gateway.SendAsync("deploy.rollback", "web", new { reason = "because" })).Code);
    }

    [Fact]
    public async Task SubjectOnTwoServices_NeedsTheRun()
    {
        await StartAsync();
        var (one, two) = (await _gateway.ApplyAsync("web", 1), await _gateway.ApplyAsync("web", 2));
        var run = "";
        foreach (var (reference, service) in new[] { (one, "a"), (two, "a"), (one, "b"), (two, "b") })
        {
            run = (await _gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(reference, service), wait: 55)).RunId();
            await _gateway.RunInAsync(run, "running");
        }
        Assert.Equal("422_SCHEMA_INVALID", (await _gateway.ProvedAsync("deploy.rollback", "web", new { @ref = one })).Code);
        var back = await _gateway.SendAsync("deploy.rollback", "web", new { run_id = run, @ref = one });
        Assert.Equal("b", (await _gateway.GetAsync("/v1/runs/" + back.RunId())).Json.Member("target").Text("service"));
    }

    private async Task StartAsync() => _gateway = await (await TestGateway.StartAsync([_fake])).RegisterKeyAsync();

    public async ValueTask DisposeAsync() => await _gateway.DisposeAsync();
}
