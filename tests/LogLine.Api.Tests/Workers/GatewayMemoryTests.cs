using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Telemetry;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Workers;

/// <summary>A secret goes into a container through gateway and worker, and the gateway never has it: not in a file, an answer, a log, a trace, nor anywhere in its memory. Everything is logged, and both send their traces.</summary>
public sealed class GatewayMemoryTests
{
    private const string Speaks = """["/bin/sh","-c","echo value=$PASSWORD; cat $TOKEN_FILE; exec sleep 600"]""";
    private const string Variables = """{"PASSWORD":"grant://db","TOKEN_FILE":"grant://token?as=file&path=/run/secrets/token"}""";

    private readonly string _secret = "s3cret-" + Guid.NewGuid().ToString("N") + Guid.NewGuid().ToString("N");

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Secret_IsInTheContainerAndTheWorker_AndNowhereInTheGateway(string provider)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var lab = await RoleLab.OpenAsync(provider, variables: new Dictionary<string, string?>(collector.Settings)
        {
            ["Serilog__MinimumLevel__Default"] = "Verbose", ["Serilog__MinimumLevel__Override__Microsoft.AspNetCore"] = "Verbose",
        });
        var (worker, _) = await lab.StartWorkerAsync("edge");
        var parts = await SealedAsync(lab);
        var run = await lab.DeployAsync(Speaks, env: Variables, parts: parts);
        await lab.StateAsync(run, "run_state.running");

        // Everything that a client can ask about it, so that whatever can hold the secret has had it.
        var answers = new List<string> { (await lab.RunAsync(run)).GetRawText() };
        foreach (var (intent, members) in new[] { ("container.inspect", "{}"), ("container.logs", "{}"), ("container.top", "{}"), ("container.exec", """{"argv":["sh","-c","env; cat $TOKEN_FILE; cat /proc/1/environ"]}""") })
        {
            if (intent == "container.exec")
            {
                await lab.ProveAsync("secret.access", $"urn:container:dev/{lab.Service}");
            }
            answers.Add((await lab.DoAsync(intent, members)).GetRawText());
        }
        Assert.Contains("grant:db", string.Concat(answers).Replace("\\u00AB", "«"));
        answers.Add(await lab.Client.GetStringAsync($"/v1/runs/{run}/logs?tail=100", RoleLab.Cancel));
        var next = await lab.ApplyAsync(Speaks, env: """{"PASSWORD":"grant://token","TOKEN_FILE":"none"}""", parts: parts);
        answers.Add((await lab.PostAsync(TestGateway.Deploy(next, provider, lab.Service).Replace("deploy.apply", "deploy.plan", StringComparison.Ordinal))).GetRawText());
        Assert.Contains("/env/TOKEN_FILE", answers[^1], StringComparison.Ordinal);
        answers.Add(await lab.Client.GetStringAsync("/metrics", RoleLab.Cancel));
        answers.AddRange((await lab.SpansAsync(run)).Select(span => span.GetRawText()));
        var materialised = await lab.StatesAsync(run);
        Assert.Equal((2, 2), (materialised.Count(intent => intent == "grant.materialize"), materialised.Count(intent => intent == "grant.materialized")));

        // So that the test can fail: the worker has it, in a variable it was given to the engine, and what is looked for is found where it is.
        // While it is read the process goes on and may move it: what is there is found by one of several looks.
        await Patience.UntilAsync("the secret in the worker, which masks with it,", () => ProcessMemory.Holds(worker.Id, _secret));
        await Patience.UntilAsync("the service in the gateway, which knows it,", () => ProcessMemory.Holds(lab.Gateway.Id, lab.Service));
        Assert.Equal(_secret.Length.ToString(CultureInfo.InvariantCulture), await LengthInContainerAsync(lab));

        Assert.False(ProcessMemory.Holds(lab.Gateway.Id, _secret), "the gateway's memory has the secret");
        Assert.All(answers, answer => Assert.DoesNotContain(_secret, answer, StringComparison.Ordinal));
        await collector.UntilAsync(() => collector.Spans.Any(span => span.Name == "run deploy.apply") && collector.Spans.Any(span => span.Name == $"{provider}: create a container") && collector.Spans.Any(span => span.Name == "gate"));
        Assert.DoesNotContain(_secret, collector.Raw, StringComparison.Ordinal);
        Assert.Contains(" DBG ", lab.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_secret, lab.Output, StringComparison.Ordinal);
        foreach (var folder in new[] { lab.GatewayFolder, lab.WorkerFolder("edge") })
        {
            Assert.All(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"), file => Assert.True(ReadShared(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(_secret)) < 0, file));
        }
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{run}}}"}}""");
        await lab.StateAsync(run, "run_state.cancelled");
        Assert.False(ProcessMemory.Holds(lab.Gateway.Id, _secret), "the gateway's memory has the secret after the end");
    }

    /// <summary>The worker asks again right before it opens a grant, and takes the gateway's word of that moment.</summary>
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task RevokedGrant_StaysClosedInTheWorker_AndIsShownOnWhatRuns(string provider)
    {
        await using var lab = await RoleLab.OpenAsync(provider);
        await lab.StartWorkerAsync("edge");
        var parts = await SealedAsync(lab);
        var first = await lab.DeployAsync(env: """{"PASSWORD":"grant://db"}""", parts: parts);
        Assert.Empty((await lab.StateAsync(first, "run_state.running")).Texts("revoked_grants"));
        await lab.PostAsync("""{"intent":"wallet.grant.revoke","subject":"urn:wallet:dev","payload":{"grant_id":"db","reason":"leaked"}}""");
        Assert.Equal(["db"], (await lab.RunAsync(first)).Texts("revoked_grants"));
        using (var listed = JsonDocument.Parse(await lab.Client.GetStringAsync("/v1/runs", RoleLab.Cancel)))
        {
            Assert.Equal(["db"], listed.RootElement.Items("items").Single(run => run.Text("run_id") == first).Texts("revoked_grants"));
        }
        Assert.Equal("grant_revoked", (await lab.DoAsync("container.restart", "{}")).Member("result").Text("reason"));
        await lab.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:minicontainer:dev/{{{lab.Service}}}","payload":{"run_id":"{{{first}}}"}}""");
        Assert.Empty((await lab.StateAsync(first, "run_state.cancelled")).Texts("revoked_grants"));
        var second = await lab.DeployAsync(env: """{"PASSWORD":"grant://db"}""", parts: parts);
        Assert.Equal("grant_revoked", (await lab.StateAsync(second, "run_state.failed")).Text("reason"));
        var states = await lab.StatesAsync(second);
        Assert.Contains("grant.materialize", states);
        Assert.DoesNotContain("grant.materialized", states);
        Assert.Null(await lab.ContainerAsync());
    }

    private async Task<string> SealedAsync(RoleLab lab)
    {
        using var keys = JsonDocument.Parse(await lab.Client.GetStringAsync("/v1/keys", RoleLab.Cancel));
        var runner = keys.RootElement.Items("keys").Single(key => key.Text("use") == "runner");
        var (bytes, artifact) = SealedArtifact.Seal(
            Encoding.UTF8.GetBytes(_secret), new ArtifactOwner("secret_db", "secret", "dev", "kid_lab"), [new RunnerKey(runner.Text("kid")!, Convert.FromHexString(runner.Text("public_key")!))]);
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/artifacts/" + artifact.Root.Text("hash")) { Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } } };
        using var response = await lab.Client.SendAsync(request, RoleLab.Cancel);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(RoleLab.Cancel));
        string Grant(string id) => TestGateway.Text(SignedObject.Sign(CanonicalJson.Parse(TestGateway.Json(new
        {
            id, artifact_id = "secret_db", scope = new[] { "runtime:read" }, iat = Timestamps.Write(DateTimeOffset.UtcNow.AddMinutes(-1)), ttl = "PT1H", aud = lab.Provider, kid = "kid_lab",
        })), SignatureKind.Grant, lab.Key, "ed25519:"));
        return $$""","artifacts":[{{TestGateway.Text(artifact)}}],"grants":[{{Grant("db")}},{{Grant("token")}}]""";
    }

    private static async Task<string> LengthInContainerAsync(RoleLab lab)
    {
        await lab.ProveAsync("secret.access", $"urn:container:dev/{lab.Service}");
        return (await lab.DoAsync("container.exec", """{"argv":["sh","-c","printf %s $PASSWORD | wc -c"]}""")).Member("result").Text("stdout")!.Trim();
    }

    private static byte[] ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
