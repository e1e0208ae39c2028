using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>A signed manifest becomes a running container, and everything about it is seen and ended from the command line.</summary>
public sealed class DeployTests(GatewayProcess gateway)
{
    [Fact]
    public async Task ProvedDeploy_RunsIsWatchedStoppedAndRemoved()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest(image, "exec httpd -f -p 8080 -h /", """{"host":0,"container":8080}"""));
        (await member.RunAsync("wallet", "prove", "deploy.allow")).Expect(0);

        var up = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--watch", "--json")).Expect(0);
        Assert.Equal("ack", up.Lines[0].Text("event"));
        Assert.Equal(["deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"], States(up));
        var result = up.Lines[^1];
        Assert.Equal(("result", "running"), (result.Text("event"), result.Member("run").Text("state")));
        var url = Assert.Single(result.Texts("urls"));
        using var http = new HttpClient();
        Assert.NotEqual(System.Net.HttpStatusCode.ServiceUnavailable, await AnswerAsync(http, url));

        var run = result.Member("run").Text("run_id")!;
        Assert.Contains($"{run}  running", (await member.RunAsync("status", run)).Expect(0).Output);
        Assert.Equal("running", (await member.RunAsync("status", member.Subject, "--json")).Expect(0).Json.Items("deployments").Single().Text("state"));

        var stop = (await member.RunAsync("deploy", "stop", member.Name, "--target", "podman", "--timeout", "1", "--json")).Expect(0);
        Assert.Equal("exited", stop.Json.Text("state"));
        var watched = (await member.RunAsync("status", run, "--watch", "--json")).Expect(0);
        Assert.Equal("run_state.exited", States(watched)[^1]);
        (await member.RunAsync("deploy", "remove", member.Name, "--target", "podman")).Expect(0);
        (await member.RunAsync("receipts", "verify", "--all")).Expect(0);
    }

    [Fact]
    public async Task Log_IsReadAndFollowedToItsEnd()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest(image, "echo first; echo second >&2; until [ -e /tmp/go ]; do sleep 0.05; done; echo last"));
        var run = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--yes", "--wait", "60", "--json")).Expect(0).Json.Text("run_id")!;
        // It runs; what it says comes right after.
        for (var left = 1000; (await member.RunAsync("logs", run, "--json")).Expect(0).Json.Items("lines").Count() < 2; left--)
        {
            Assert.True(left > 0, "It never said it.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        Assert.Equal("first", (await member.RunAsync("logs", run, "--grep", "first")).Expect(0).Output.Trim());

        var followed = member.RunAsync("logs", run, "--follow", "--json");
        (await member.RunAsync("deploy", "stop", member.Name, "--target", "podman", "--timeout", "1")).Expect(0);
        Assert.Equal(["first", "second"], (await followed).Expect(0).Lines.Select(line => line.Text("line")!).Order());
        (await member.RunAsync("deploy", "remove", member.Name, "--target", "podman")).Expect(0);
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("logs", run)).Expect(1).Errors);
        (await member.RunAsync("logs", "web")).Expect(2);
    }

    [Fact]
    public async Task NoProof_IsSaidWithTheCommandAndYesMakesIt()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        var reference = await member.ApplyAsync(member.Manifest(image, "exec sleep 600"));
        var refused = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--json")).Expect(1);
        Assert.Equal("428_PROOF_REQUIRED", refused.Json.GetProperty("error").Text("code"));
        Assert.Contains($"logline wallet prove deploy.allow --ref {reference}", refused.Json.GetProperty("error").Text("next"));

        var up = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--yes", "--wait", "60", "--json")).Expect(0);
        Assert.Equal("running", up.Json.Text("state"));
        var cancelled = (await member.RunAsync("deploy", "cancel", up.Json.Text("run_id")!, "--reason", "enough", "--json")).Expect(0);
        Assert.Equal("cancelled", cancelled.Json.Text("state"));
        Assert.Contains("cancelled", (await member.RunAsync("status", up.Json.Text("run_id")!, "--watch", "--no-stream")).Expect(1).Errors);
    }

    [Fact]
    public async Task NewVersion_IsPlannedReplacesTheOldOneAndIsRolledBack()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        string[] plan = ["deploy", "plan", "--target", $"podman:svc={member.Name}"], up = ["deploy", "up", "--target", $"podman:svc={member.Name}", "--yes"];
        var first = await member.ApplyAsync(member.Manifest(image, "trap exit TERM; while :; do sleep 0.1; done"));
        (await member.RunAsync(plan)).Expect(2);
        var old = (await member.RunAsync([.. up, "--wait", "60", "--json"])).Expect(0).Json.Text("run_id")!;
        Assert.Contains("Nothing to do", (await member.RunAsync(plan)).Expect(0).Output);
        // The same again is the run that is there, and watching it ends.
        Assert.Equal(old, (await member.RunAsync([.. up, "--watch", "--json"])).Expect(0).Lines[^1].Member("run").Text("run_id"));

        await member.ApplyAsync(member.Manifest(image, "trap exit TERM; while :; do sleep 0.2; done"));
        var planned = (await member.RunAsync([.. plan, "--json"])).Expect(2).Json.Member("plan");
        Assert.Equal(("beside", "/entrypoint"), (planned.Text("strategy"), planned.Items("diff").Single().Text("path")));
        var next = (await member.RunAsync([.. up, "--plan", planned.Text("plan_digest")!, "--wait", "60", "--json"])).Expect(0).Json;
        Assert.Equal("running", next.Text("state"));
        Assert.Contains("replaced", (await member.RunAsync("status", old, "--watch")).Expect(0).Output);

        var refused = (await member.RunAsync("deploy", "rollback", next.Text("run_id")!, "--no-prove")).Expect(1);
        Assert.Contains($"logline wallet prove deploy.allow --ref {first}", refused.Errors);
        var back = (await member.RunAsync("deploy", "rollback", next.Text("run_id")!, "--reason", "slower", "--yes", "--watch", "--json")).Expect(0);
        Assert.Equal(("running", first), (back.Lines[^1].Member("run").Text("state"), back.Lines[^1].Member("run").Text("ref")));
        (await member.RunAsync("deploy", "cancel", back.Lines[^1].Member("run").Text("run_id")!)).Expect(0);
    }

    [Fact]
    public async Task RunThatFails_ExitsWithOneAndSaysWhy()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest("localhost/there-is-no-such-image:1"));
        var said = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--yes", "--watch")).Expect(1);
        Assert.Contains("run_state.failed", said.Output);
        Assert.Contains("there-is-no-such-image", said.Errors);
        Assert.NotEmpty(image);
    }

    [Fact]
    public async Task UnknownContainer_IsNotFound()
    {
        GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("deploy", "stop", member.Name, "--target", "podman")).Expect(1).Errors);
    }

    /// <summary>The first answer: what runs without a health check may need a moment until it listens.</summary>
    private static async Task<System.Net.HttpStatusCode> AnswerAsync(HttpClient http, string url)
    {
        for (var tries = 2400; ; tries--)
        {
            try
            {
                using var answer = await http.GetAsync(url, TestContext.Current.CancellationToken);
                return answer.StatusCode;
            }
            catch (HttpRequestException) when (tries > 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, TestContext.Current.CancellationToken);
            }
        }
    }

    private static List<string?> States(Spoken said) => [.. said.Lines.Where(line => line.Text("event") == "span").Select(line => line.Member("span").Text("intent")).Where(intent => intent != "deploy.apply")];
}
