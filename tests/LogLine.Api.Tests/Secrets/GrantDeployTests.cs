using System.Net;
using System.Text;
using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Primitives;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Secrets;

/// <summary>Secrets in real containers: they get in, and nothing that the gateway says, keeps or logs has them.</summary>
public sealed class GrantDeployTests
{
    private const string Speaks = """["/bin/sh","-c","echo value=$PASSWORD; cat $TOKEN_FILE; touch /tmp/said; exec sleep 600"]""";

    private readonly string _secret = "s3cret-" + Guid.NewGuid().ToString("N");

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Secret_ReachesTheContainerAndNothingElse(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await DeployAsync(lab, name, await ApplyAsync(lab, name, Variables));
        await lab.Gateway.RunInAsync(run, "running");

        // Getting in needs a proof, which is used up by it.
        var refused = await lab.SendAsync("container.exec", name, """{"argv":["env"]}""");
        Assert.Equal(("428_PROOF_REQUIRED", "secret.access"), (refused.Code, refused.Json.Member("details").Text("required_proof_intent")));
        Assert.Equal("428_PROOF_REQUIRED", (await lab.SendAsync("container.commit", name, """{"image":"stolen:1"}""")).Code);
        Assert.Equal("428_PROOF_REQUIRED", (await lab.SendAsync("container.copy_from", name, """{"path":"/run/secrets"}""")).Code);
        var stdout = (await lab.HeardAsync(name, """{"argv":["sh","-c","until [ -e /tmp/said ]; do sleep 0.02; done; said=$(env; cat $TOKEN_FILE; stat -c %a /proc/self; mount | grep run/secrets); echo \"$said\""]}""", before: () => ProveAccessAsync(lab, name))).Text("stdout")!;
        Assert.Contains("PASSWORD=«grant:db»", stdout);
        Assert.Contains("TOKEN_FILE=/run/secrets/token", stdout);
        Assert.Contains("tmpfs", stdout);
        Assert.Equal("428_PROOF_REQUIRED", (await lab.SendAsync("container.exec", name, """{"argv":["env"]}""")).Code);

        // It really was the value.
        var length = (await lab.HeardAsync(name, """{"argv":["sh","-c","echo $(printf %s $PASSWORD | wc -c) $(wc -c < $TOKEN_FILE)"]}""", before: () => ProveAccessAsync(lab, name))).Text("stdout")!;
        Assert.Equal([$"{_secret.Length}", $"{_secret.Length}"], length.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

        var logs = (await lab.DoAsync("container.logs", name)).GetRawText();
        Assert.Contains("value=«grant:db»", JsonSerializer.Deserialize<JsonElement>(logs).GetRawText().Replace("\\u00AB", "«").Replace("\\u00BB", "»"));
        // To search what is hidden would be to guess it.
        Assert.Contains("not searched here", (await lab.SendAsync("container.logs", name, """{"grep":"s3cret"}""")).Body);
        // In what is shown it can be looked for, also by whoever follows: the value is nowhere in it.
        foreach (var (grep, found) in new[] { (_secret, 0), ("value=", 1) })
        {
            Assert.Equal(found, (await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?grep={grep}")).Json.Texts("lines").Count);
        }
        using (var followed = new StreamReader(await lab.Gateway.Client.GetStreamAsync($"/v1/runs/{run}/logs?grep=value=&follow=true&tail=1", TestContext.Current.CancellationToken)))
        {
            string? line;
            while ((line = await followed.ReadLineAsync(TestContext.Current.CancellationToken)) is not null && !line.StartsWith("data:", StringComparison.Ordinal))
            {
            }
            Assert.Equal("value=«grant:db»", JsonDocument.Parse(line!["data:".Length..]).RootElement.Text("line"));
        }
        var materialised = (await lab.Gateway.PostAsync("""{"intent":"grant.materialized","limit":1000}""", path: "/v1/spans/query")).Json.Items("items").Where(span => span.Member("payload").Text("run_id") == run).ToList();
        Assert.Equal(2, materialised.Count);
        Assert.All(materialised, span => Assert.Equal(64, span.Member("payload").Text("digest")!.Length));

        await lab.Gateway.SendAsync("run.cancel", name, new { run_id = run });
        await lab.Gateway.RunInAsync(run, "cancelled");
        await AssertNowhereAsync(lab, run);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ContainerThatDies_LeavesNoSecretInItsLastLines(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await DeployAsync(lab, name, await ApplyAsync(lab, name, Variables, """["/bin/sh","-c","echo dying with $PASSWORD; exit 3"]"""));
        // It may have been seen running before it died.
        var failed = await lab.Gateway.RunInAsync(run, "failed", "exited");
        Assert.Equal("dying with «grant:db»", failed.Texts("log_tail").Single());
        await AssertNowhereAsync(lab, run);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task CommittedImage_HasNoSecret(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await DeployAsync(lab, name, await ApplyAsync(lab, name, Variables));
        await lab.Gateway.RunInAsync(run, "running");
        await ProveAccessAsync(lab, name);
        await lab.DoAsync("container.commit", name, $$"""{"image":"{{name}}:1"}""");
        var copy = lab.Name("copy");
        await lab.DoAsync("container.create", copy, $$"""{"image":"localhost/dev/{{name}}:1"}""");
        await lab.DoAsync("container.start", copy);
        Assert.Equal("[]\n", await lab.SaidAsync(copy, "sh", "-c", "echo [$PASSWORD]"));
        await lab.DoAsync("container.remove", copy, """{"force":true}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"localhost/dev/{{name}}:1"}""");
    }

    /// <summary>Of a line that is too long for a result only the beginning is shown. The secret that stands where it is cut is not shown by half.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task SecretWhereALineIsCut_IsHiddenAsAWhole(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await DeployAsync(lab, name, await ApplyAsync(lab, name, Variables, $$"""["/bin/sh","-c","head -c {{ResultText.MaxBytes - 20}} /dev/zero | tr '\\0' x; echo $PASSWORD; exec sleep 600"]"""));
        await lab.Gateway.RunInAsync(run, "running");

        // A part of it may be read before the rest is said.
        var line = await Patience.UntilThereAsync("the whole line", async () => (await lab.DoAsync("container.logs", name)).Texts("lines").FirstOrDefault(line => line.Length > ResultText.MaxBytes - 20));

        Assert.EndsWith("x«grant:db»", line);
    }

    /// <summary>To fetch an image takes its time, in which a grant can be taken back. What is asked of it is asked afterwards.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task GrantRevokedWhileTheImageIsFetched_StaysClosed(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        await lab.Gateway.RegisterKeyAsync();
        var (name, image) = (lab.Name("slow"), await registry.PushedAsync(lab));
        var (asked, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        registry.AmidLayer = gone =>
        {
            asked.TrySetResult();
            return goesOn.Task.WaitAsync(gone);
        };

        var run = await DeployAsync(lab, name, await ApplyAsync(lab.Gateway, name, """{"PASSWORD":"grant://db"}""", """["/hello"]""", provider, image));
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(2), PrimitiveLab.Cancel);
        await RevokeAsync(lab.Gateway);
        goesOn.SetResult();

        Assert.Equal("grant_revoked", (await lab.Gateway.RunInAsync(run, "failed", "running", "exited")).Text("reason"));
        Assert.DoesNotContain("grant.", string.Join(' ', (await lab.Gateway.StatesAsync(run)).Except(["grant.materialize"])));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("container.inspect", name)).Code);
        await lab.Engine.UntagAsync(image, PrimitiveLab.Cancel);
    }

    /// <summary>Between plan and apply: what runs goes on, nothing new is made. Its way back is a deploy like others.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task GrantRevokedBetweenPlanAndApply_LeavesWhatRunsAlone(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var secret = await ApplyAsync(lab, name, """{"PASSWORD":"grant://db"}""");
        var held = await lab.Gateway.RunAsync(name, secret, provider);
        var plain = await lab.Gateway.RunAsync(name, await lab.Gateway.ApplyAsync(name, 1), provider);
        await lab.Gateway.RunInAsync(held, "exited");
        var plan = await lab.Gateway.PlanAsync(name, secret, provider);
        await RevokeAsync(lab.Gateway);

        var applied = (await lab.Gateway.ProvedAsync("deploy.apply", name, new { @ref = secret, target = new { provider, service = name }, plan_digest = plan.Text("plan_digest") })).RunId();
        var failed = await lab.Gateway.RunInAsync(applied, "failed", "running");
        Assert.Equal(("grant_revoked", plain), (failed.Text("reason"), failed.Text("serving")));
        var back = await lab.Gateway.RunInAsync((await lab.Gateway.ProvedAsync("deploy.rollback", name, new { run_id = plain })).RunId(), "failed", "running");
        Assert.Equal(("grant_revoked", plain), (back.Text("reason"), back.Text("serving")));

        Assert.Equal("running", (await lab.Gateway.GetAsync("/v1/runs/" + plain)).Json.Text("state"));
        Assert.Equal("running", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));
        Assert.Single(await lab.Engine.ListAsync([("logline.tenant", TestGateway.Tenant), ("logline.name", name)], PrimitiveLab.Cancel));
    }

    /// <summary>The container whose place is taken holds a secret of its own. It is started again, not made again, so that its grant need not be alive; that it was taken back is shown.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task GrantRevokedWhileItsContainerIsReplaced_ComesBackWithIt_AndIsShown(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        // Both want one port of the host, so the old one is stopped before the new one is started.
        var port = $$$""","ports":[{"host":{{{EngineDeployTests.FixedPort()}}},"container":8080}]""";
        var held = await lab.Gateway.RunAsync(name, await ApplyAsync(lab.Gateway, name, Variables, Speaks, provider, more: port), provider);
        var broken = await lab.Gateway.ApplyAsync(name, 2, port + ""","entrypoint":["/bin/sh","-c","exit 3"],"lifecycle":{"health":{"http":{"port":8080}},"stop_timeout":"1s"}""");
        await RevokeAsync(lab.Gateway);

        var failed = await lab.Gateway.RunInAsync((await lab.Gateway.ProvedAsync("deploy.apply", name, DeployActs.Order(broken, name, provider))).RunId(), "failed", "running");

        Assert.Equal(("exited_at_start", held), (failed.Text("reason"), failed.Text("serving")));
        var shown = (await lab.Gateway.GetAsync("/v1/runs/" + held)).Json;
        Assert.Equal(("running", "db"), (shown.Text("state"), shown.Texts("revoked_grants").Single()));
        Assert.Equal(["grant.materialized", "grant.materialized"], (await lab.Gateway.StatesAsync(held)).Where(intent => intent == "grant.materialized"));
        var length = await lab.HeardAsync(name, """{"argv":["/bin/sh","-c","wc -c < $TOKEN_FILE"]}""", before: () => ProveAccessAsync(lab, name));
        Assert.Equal($"{_secret.Length}", length.Text("stdout")!.Trim());
    }

    /// <summary>An engine that does not start it again may name what it was to be started with: of the container that was to come back, or of the one that was to take its place.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task WhyTheWayBackFailed_IsSaidWithoutSecrets(bool isOldOnes)
    {
        var fake = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        const string Port = ""","ports":[{"host":8081,"container":80}]""";
        var (old, next) = (await ReferenceAsync(1, isOldOnes), await ReferenceAsync(2, !isOldOnes));
        await gateway.RunAsync("web", old);
        fake.ExitsAtOnce = 3;
        fake.Around = (what, _) => what == "before start again" ? throw new AdapterException(AdapterFailure.Refused, $"bad env PASSWORD={_secret}") : Task.CompletedTask;

        var run = (await gateway.ProvedAsync("deploy.apply", "web", DeployActs.Order(next, "web"))).RunId();
        var failed = await gateway.RunInAsync(run, "failed");

        Assert.EndsWith("What ran before could not be started again: bad env PASSWORD=«grant:db»", failed.Text("error"));
        Assert.DoesNotContain(_secret, (await gateway.PostAsync("""{"limit":1000}""", path: "/v1/spans/query")).Body);

        async Task<string> ReferenceAsync(int version, bool isHolder) =>
            isHolder ? await ApplyAsync(gateway, "web", """{"PASSWORD":"grant://db"}""", """["true"]""", "fake", more: Port) : await gateway.ApplyAsync("web", version, Port);
    }

    /// <summary>A container keeps the secrets that it was made with. Once a grant of it is taken back a client starts nothing with them any more; what is frozen goes on, for it has them in its memory.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ContainerWithARevokedGrant_IsNotStartedAgain(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        var run = await lab.Gateway.RunAsync(name, await ApplyAsync(lab, name, """{"PASSWORD":"grant://db"}""", """["/bin/sh","-c","exec sleep 600"]"""), provider);
        await lab.DoAsync("container.stop", name, """{"timeout_s":0}""");
        await lab.Gateway.RunInAsync(run, "exited");
        await lab.DoAsync("container.start", name);
        var restarted = await lab.DoAsync("container.restart", name, """{"timeout_s":0}""");
        await lab.DoAsync("container.pause", name);

        await RevokeAsync(lab.Gateway);

        await lab.DoAsync("container.unpause", name);
        await RefusedAsync("container.restart");
        Assert.Equal(restarted.Text("started_at"), (await lab.DoAsync("container.inspect", name)).Member("container").Text("started_at"));
        await lab.DoAsync("container.stop", name, """{"timeout_s":0}""");
        await RefusedAsync("container.start");
        await RefusedAsync("container.restart");
        Assert.Equal("stopped", (await lab.DoAsync("container.inspect", name)).Member("container").Text("state"));

        async Task RefusedAsync(string intent)
        {
            var answer = await lab.SendAsync(intent, name);
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            Assert.Equal(("failed", "grant_revoked"), (answer.Json.Member("run").Text("state"), answer.Json.Member("result").Text("reason")));
            Assert.Contains($"'{name}' holds the revoked grant db", answer.Json.Member("result").Text("error"));
        }
    }

    /// <summary>A ledger that was restored to an earlier moment, or another gateway with the same tenant, finds a container that a deploy made, and does not know with which secrets.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ContainerOfADeployThatTheLedgerDoesNotKnow_ShowsNothingThatMayBeASecret(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        await lab.Gateway.RunAsync(name, await ApplyAsync(lab, name, Variables), provider);
        await Patience.UntilAsync("what it says", async () => (await lab.DoAsync("container.logs", name)).Texts("lines").Count > 0);
        await using var other = await (await TestGateway.StartAsync([lab.Adapter])).RegisterKeyAsync();

        var logs = await lab.SendAsync(other, "container.logs", name);
        var entered = await lab.SendAsync(other, "container.exec", name, """{"argv":["env"]}""");
        var restarted = await lab.SendAsync(other, "container.restart", name);
        var read = await other.GetAsync($"/v1/runs/{logs.Json.Member("run").Text("run_id")}/logs");

        Assert.True(logs.Status == HttpStatusCode.OK, logs.Body);
        Assert.DoesNotContain(_secret, logs.Body + read.Body);
        Assert.Contains("withheld", logs.Json.Member("result").Texts("lines")[0]);
        Assert.Contains("withheld", read.Json.Texts("lines")[0]);
        Assert.Equal(("428_PROOF_REQUIRED", "secret.access"), (entered.Code, entered.Json.Member("details").Text("required_proof_intent")));
        Assert.Equal("refused_by_engine", restarted.Json.Member("result").Text("reason"));
        Assert.Equal(HttpStatusCode.OK, (await other.ProveAsync(name, proof => proof with { Intent = "secret.access", Subject = $"urn:container:dev/{name}" })).Status);
        Assert.Equal("refused_by_engine", (await lab.SendAsync(other, "container.commit", name, """{"image":"stolen:1"}""")).Json.Member("result").Text("reason"));
    }

    [Fact]
    public async Task ContainerThatTookTheNameMeanwhile_IsNotGotIntoWithoutAProof()
    {
        var entered = 0;
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = (_, _) => { entered++; return Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root)); } } };
        // On this clock what the gate saw is old when the worker has it; while it is not, the one that was seen is got into (ContainerLookTests).
        await using var gateway = await (await TestGateway.StartAsync([fake], new SteppingClock(20))).RegisterKeyAsync();
        var reference = await ApplyAsync(gateway, "web", """{"PASSWORD":"grant://db"}""", """["true"]""", "fake");
        await gateway.RunAsync("web", reference);
        const string Exec = """{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""";
        Assert.Equal("428_PROOF_REQUIRED", (await gateway.PostAsync(Exec)).Code);

        // The gate looks, at one without secrets; then a deploy has put the other in its place.
        var looks = 0;
        fake.Look = found => ++looks == 1 ? found! with { RunId = "run_before", Ref = null } : found;
        var answer = await gateway.PostAsync(Exec, request => request.Headers.Add("Prefer", "wait=50"));

        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        Assert.Equal(("failed", "proof_required"), (answer.Json.Member("run").Text("state"), answer.Json.Member("result").Text("reason")));
        Assert.Equal(0, entered);
    }

    [Theory]
    [InlineData(AdapterFailure.Unavailable, "503_ADAPTER_UNAVAILABLE")]
    [InlineData(AdapterFailure.Conflict, "409_LIFECYCLE_CONFLICT")]
    public async Task ContainerThatCannotBeLookedAt_IsNotGotInto(AdapterFailure failure, string code)
    {
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = (_, _) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root)) } };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        await gateway.RunAsync("web", await ApplyAsync(gateway, "web", """{"PASSWORD":"grant://db"}""", """["true"]""", "fake"));
        var looks = 0;
        fake.Look = found => ++looks == 1 ? throw new AdapterException(failure, "The container is still 'stopping' after 10 s") : found;

        var answer = await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""");

        Assert.Equal(code, answer.Code);
        Assert.Contains("stopping", answer.Json.Text("detail"));
    }

    [Fact]
    public async Task RevokedGrant_StaysClosedAtTheNextDeploy()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var reference = await ApplyAsync(gateway, "web", """{"PASSWORD":"grant://db"}""", """["true"]""", "fake");
        await RevokeAsync(gateway);
        await gateway.ProveAsync("web");
        var run = (await gateway.PostAsync(TestGateway.Deploy(reference))).Json.Member("run").Text("run_id")!;
        var failed = await gateway.RunInAsync(run, "failed");
        Assert.Equal("grant_revoked", failed.Text("reason"));
        Assert.DoesNotContain("grant.materialized", (await gateway.PostAsync("""{"intent":"grant.*"}""", path: "/v1/spans/query")).Body);
    }

    /// <summary>Bytes and wraps are no secret, so that another tenant may have them. In a manifest of its own, with a grant and a key of its own, even one of the same name, they stay closed: the worker opens them as their owner's alone.</summary>
    [Theory, InlineData("kid_thief"), InlineData(TestGateway.Kid)]
    public async Task ArtifactThatAnotherTenantCopied_StaysClosed(string kid)
    {
        var fake = new FakeAdapter();
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        var (artifact, bytes) = Seal(gateway, TestGateway.Kid);
        await UploadAsync(gateway, artifact, bytes);
        await gateway.RunAsync("web", await gateway.ApplyAsync("web", Manifest(gateway, artifact, """{"PASSWORD":"grant://db"}""", """["true"]""", "fake", gateway.Key, TestGateway.Kid)));

        var thief = (await gateway.PostAsync("""{"tenant":"thief"}""", path: "/v1/tenants")).Json.Text("api_key")!;
        using var key = SigningKey.Generate();
        async Task<JsonElement> SendAsync(string body)
        {
            var answer = await gateway.PostAsync(body, request => request.UseToken(thief));
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            return answer.Json;
        }
        await SendAsync(TestGateway.Json(new
        {
            intent = "wallet.key.register", subject = "urn:wallet:thief",
            payload = new { kid, pub = key.PublicKeyHex, usage = new[] { "sign", "admin" }, pop = Possession.Sign(key, "thief", kid, key.PublicKeyHex, ["sign", "admin"]) },
        }));
        await UploadAsync(gateway, artifact, bytes, thief);
        var manifest = Manifest(gateway, artifact, """{"PASSWORD":"grant://db"}""", """["true"]""", "fake", key, kid, "thief");
        var reference = (await SendAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:thief/web","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""")).Member("result").Text("ref")!;
        var now = gateway.Time.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "thief", Subject = "urn:minicontainer:thief/web", Ts = now, Exp = now.AddMinutes(10) }.Sign(kid, key);
        await SendAsync($$$"""{"intent":"wallet.proof.submit","subject":"urn:minicontainer:thief/web","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
        var run = (await SendAsync(TestGateway.Deploy(reference))).Member("run").Text("run_id")!;

        var failed = await Patience.UntilThereAsync("the run's end", async () => await gateway.GetAsync("/v1/runs/" + run, request => request.UseToken(thief)) is { Json: var ended } answer && ended.Text("state") == "failed" ? answer : null);
        Assert.Equal("artifact_sealed", failed.Json.Text("reason"));
        Assert.Equal(1, fake.Created);
        Assert.DoesNotContain(_secret, failed.Body);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task KeyThatWasRotated_StillOwnsWhatItSealed(bool isRevokedThen)
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        using var next = SigningKey.Generate();
        var (artifact, bytes) = Seal(gateway, TestGateway.Kid);
        await UploadAsync(gateway, artifact, bytes);
        var rotation = gateway.Sign("wallet.key.rotate", "decision", "urn:wallet:dev", TestGateway.Json(new
        {
            kind = "wallet/key_rotation.v1", old_kid = TestGateway.Kid, new_kid = "kid_2", new_pub = next.PublicKeyHex, pop = Possession.Sign(next, TestGateway.Tenant, "kid_2", next.PublicKeyHex, ["sign", "admin"]),
        }));
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(rotation.Utf8.ToArray())).Status);
        if (isRevokedThen)
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync($$$"""{"intent":"wallet.key.revoke","subject":"urn:wallet:dev","payload":{"kid":"{{{TestGateway.Kid}}}","reason":"lost"}}""")).Status);
        }
        var manifest = Manifest(gateway, artifact, """{"PASSWORD":"grant://db"}""", """["true"]""", "fake", next, "kid_2");
        var answer = await gateway.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/web","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
        var reference = answer.Json.Member("result").Text("ref")!;
        var now = gateway.Time.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = now, Exp = now.AddMinutes(10) }.Sign("kid_2", next);
        await gateway.PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"urn:minicontainer:dev/web","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
        var run = (await gateway.PostAsync(TestGateway.Deploy(reference))).Json.Member("run").Text("run_id")!;
        await gateway.RunInAsync(run, "running");
    }

    /// <summary>Two programs of one image may each want the path of the same secret in a variable of its own.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task OneFile_MayStandInTwoVariables(string provider)
    {
        await using var lab = await OpenAsync(provider);
        var name = lab.Name();
        const string Both = """{"A_FILE":"grant://token?as=file&path=/run/secrets/token","B_FILE":"grant://token?as=file&path=/run/secrets/token"}""";
        const string Compares = """["/bin/sh","-c","test -s $A_FILE && test $A_FILE = $B_FILE && exit 42"]""";

        var ended = await lab.Gateway.RunInAsync(await DeployAsync(lab, name, await ApplyAsync(lab, name, Both, Compares)), "exited", "failed");
        Assert.Equal(42, ended.Integer("exit_code"));
    }

    private const string Variables = """{"PASSWORD":"grant://db","TOKEN_FILE":"grant://token?as=file&path=/run/secrets/token"}""";

    private static async Task<PrimitiveLab> OpenAsync(string provider)
    {
        var lab = await PrimitiveLab.OpenAsync(provider);
        await lab.Gateway.RegisterKeyAsync();
        return lab;
    }

    private Task<string> ApplyAsync(PrimitiveLab lab, string name, string env, string entrypoint = Speaks) => ApplyAsync(lab.Gateway, name, env, entrypoint, lab.Provider);

    private static async Task RevokeAsync(TestGateway gateway)
    {
        var answer = await gateway.PostAsync("""{"intent":"wallet.grant.revoke","subject":"urn:wallet:dev","payload":{"grant_id":"db","reason":"leaked"}}""");
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    private async Task<string> ApplyAsync(TestGateway gateway, string name, string env, string entrypoint, string provider, string image = "localhost/logline-test:1", string more = "")
    {
        var (artifact, bytes) = Seal(gateway, TestGateway.Kid);
        await UploadAsync(gateway, artifact, bytes);
        return await gateway.ApplyAsync(name, Manifest(gateway, artifact, env, entrypoint, provider, gateway.Key, TestGateway.Kid, image: image, more: more));
    }

    private (CanonicalJson Artifact, byte[] Bytes) Seal(TestGateway gateway, string owner)
    {
        var (bytes, artifact) = SealedArtifact.Seal(Encoding.UTF8.GetBytes(_secret), new ArtifactOwner("secret_db", "secret", TestGateway.Tenant, owner), [gateway.Services.GetRequiredService<RunnerKeys>().Public]);
        return (artifact, bytes);
    }

    private static async Task UploadAsync(TestGateway gateway, CanonicalJson artifact, byte[] bytes, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/artifacts/" + artifact.Root.Text("hash")) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.UseToken(token ?? gateway.ApiKey);
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static CanonicalJson Manifest(TestGateway gateway, CanonicalJson artifact, string env, string entrypoint, string provider, SigningKey key, string kid, string tenant = TestGateway.Tenant, string image = "localhost/logline-test:1", string more = "")
    {
        string Grant(string id) => TestGateway.Text(SignedObject.Sign(CanonicalJson.Parse(TestGateway.Json(new
        {
            id, artifact_id = "secret_db", scope = new[] { "runtime:read" }, iat = Timestamps.Write(gateway.Time.GetUtcNow().AddMinutes(-1)), ttl = "PT1H", aud = provider, kid,
        })), SignatureKind.Grant, key, "ed25519:"));
        return SignedManifest.Sign(CanonicalJson.Parse(
            $$$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"{{{tenant}}}"},"ts":"2026-11-20T12:00:00Z",
             "deploy":{"image":"{{{image}}}","entrypoint":{{{entrypoint}}},"env":{{{env}}},"lifecycle":{"stop_timeout":"1s"}{{{more}}}},
             "artifacts":[{{{TestGateway.Text(artifact)}}}],"grants":[{{{Grant("db")}}},{{{Grant("token")}}}]}
            """), kid, key);
    }

    private static async Task<string> DeployAsync(PrimitiveLab lab, string name, string reference)
    {
        Assert.Equal(HttpStatusCode.OK, (await lab.Gateway.ProveAsync(name)).Status);
        var answer = await lab.Gateway.PostAsync(TestGateway.Deploy(reference, lab.Provider, name));
        return answer.Json.Member("run").Text("run_id") ?? throw new InvalidOperationException(answer.Body);
    }

    private static async Task ProveAccessAsync(PrimitiveLab lab, string name)
    {
        var answer = await lab.Gateway.ProveAsync(name, proof => proof with { Intent = "secret.access", Subject = $"urn:container:dev/{name}" });
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
    }

    /// <summary>Looks for the secret in every file that the gateway keeps, in every answer about the run, and in memory that outlives it.</summary>
    private async Task AssertNowhereAsync(PrimitiveLab lab, string run)
    {
        var needle = Encoding.UTF8.GetBytes(_secret);
        foreach (var path in (string[])["/v1/runs/" + run, "/v1/runs", "/v1/keys", "/healthz/ready"])
        {
            Assert.DoesNotContain(_secret, (await lab.Gateway.GetAsync(path)).Body);
        }
        Assert.DoesNotContain(_secret, (await lab.Gateway.PostAsync("""{"limit":1000}""", path: "/v1/spans/query")).Body);
        foreach (var file in Directory.GetFiles(lab.Gateway.Folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
            Assert.True(bytes.AsSpan().IndexOf(needle) < 0, file);
        }
        // A run that has ended has no files any more; that happens right after its last span.
        while (lab.Gateway.Services.GetRequiredService<SecretFiles>().Runs().Contains(run))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
