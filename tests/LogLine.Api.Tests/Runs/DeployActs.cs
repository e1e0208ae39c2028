using System.Net;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>What tests of deploys do with a gateway.</summary>
internal static class DeployActs
{
    /// <summary>Applies a manifest that differs from others by <paramref name="version"/>, and runs <paramref name="deploy"/>.</summary>
    public static Task<string> ApplyAsync(this TestGateway gateway, string name, int version, string more = "", string image = "localhost/logline-test:1") =>
        gateway.ApplyAsync(name, gateway.Manifest($$"""{"image":"{{image}}","env":{"VERSION":"{{version}}"}{{more}} }"""));

    /// <summary>Sends a deploy intent that is proved before.</summary>
    public static async Task<Answer> ProvedAsync(this TestGateway gateway, string intent, string name, object payload, int wait = 0)
    {
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync(name)).Status);
        return await gateway.SendAsync(intent, name, payload, wait);
    }

    /// <summary>Sends a deploy intent.</summary>
    public static Task<Answer> SendAsync(this TestGateway gateway, string intent, string name, object payload, int wait = 0) =>
        gateway.PostAsync(TestGateway.Json(new { intent, subject = $"urn:minicontainer:{TestGateway.Tenant}/{name}", payload }), request =>
        {
            if (wait > 0)
            {
                request.Headers.Add("Prefer", $"wait={wait}");
            }
        });

    /// <summary>Deploys a ref of <paramref name="name"/> to the service of that name and waits until it runs; the run's id.</summary>
    public static async Task<string> RunAsync(this TestGateway gateway, string name, string reference, string provider = "fake")
    {
        var answer = await gateway.ProvedAsync("deploy.apply", name, Order(reference, name, provider), wait: 55);
        Assert.True(answer.Json.Member("run").Text("state") == "running", answer.Body);
        return answer.RunId();
    }

    public static object Order(string reference, string service, string provider = "fake") => new { @ref = reference, target = new { provider, service } };

    public static string RunId(this Answer answer)
    {
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Member("run").Text("run_id")!;
    }

    /// <summary>The plan for a ref of <paramref name="name"/> on the service of that name.</summary>
    public static async Task<JsonElement> PlanAsync(this TestGateway gateway, string name, string reference, string provider = "fake")
    {
        var answer = await gateway.SendAsync("deploy.plan", name, Order(reference, name, provider));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Member("result");
    }

    public static IEnumerable<string?> Actions(this JsonElement plan) => plan.Items("actions").Select(action => action.Text("action"));

    /// <summary>Intents of a run's spans, in order.</summary>
    public static async Task<IReadOnlyList<string?>> StatesAsync(this TestGateway gateway, string runId)
    {
        var spans = await gateway.PostAsync($$"""{"run_id":"{{runId}}","limit":1000}""", path: "/v1/spans/query");
        return [.. spans.Json.Items("items").Select(span => span.Text("intent"))];
    }

    public static readonly string[] Ends = ["run_state.exited", "run_state.failed", "run_state.cancelled"];
}
