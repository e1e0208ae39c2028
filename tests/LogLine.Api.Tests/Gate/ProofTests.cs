using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

/// <summary>A proof lets exactly what it names happen, once, while it lives (contract, section 6).</summary>
public sealed class ProofTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private TestGateway _gateway = null!;
    private string _ref = "";

    [Fact]
    public async Task DeployWithoutProof_IsToldWhichOneItNeeds()
    {
        await StartAsync();

        var answer = await _gateway.AssertRefusedAsync("428_PROOF_REQUIRED", () => _gateway.PostAsync(TestGateway.Deploy(_ref)));

        Assert.Equal(("deploy.allow", "urn:minicontainer:dev/web", _ref), (answer.Detail("required_proof_intent"), answer.Detail("subject"), answer.Detail("ref")));
    }

    [Fact]
    public async Task UsedProof_IsGone()
    {
        await StartAsync();
        await ProveAsync();

        Assert.Null(await DeployAsync("one"));
        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync("two"));
    }

    [Fact]
    public async Task HundredDeploysAtOnce_WithOneProof_LetOneThrough()
    {
        await StartAsync();
        await ProveAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => _gateway.PostAsync(TestGateway.Deploy(_ref, service: "s" + i))));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.Equal(99, answers.Count(answer => answer.Code == "428_PROOF_REQUIRED"));
        Assert.Single(await _gateway.Ledger.Store.RunsAsync("dev", null, 1000));
    }

    [Fact]
    public async Task DeploysOfDifferentSubjects_ToOneServiceAtOnce_LetOneThrough()
    {
        var release = new TaskCompletionSource();
        await StartAsync(new FakeAdapter { BeforeCreate = _ => release.Task });
        var refs = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            var reference = await _gateway.ApplyAsync("app" + i);
            await _gateway.ProveAsync("app" + i);
            return reference;
        }));

        var answers = await Task.WhenAll(refs.Select(reference => _gateway.PostAsync(TestGateway.Deploy(reference, service: "shared"))));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.Equal(9, answers.Count(answer => answer.Code == "409_LIFECYCLE_CONFLICT"));
        release.SetResult();
    }

    [Fact]
    public async Task UsedProof_SentAgainWithItsDeploy_IsUsedStill()
    {
        await StartAsync();
        var now = _time.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = now, Exp = now.AddMinutes(5) }.Sign(TestGateway.Kid, _gateway.Key);
        var submit = $$$"""{"intent":"wallet.proof.submit","subject":"urn:wallet:dev","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""";
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync($"[{submit},{TestGateway.Deploy(_ref, service: "one")}]")).Status);

        var again = await _gateway.PostAsync($"[{submit},{TestGateway.Deploy(_ref, service: "two")},{GatewayActs.Person()}]");

        Assert.True(again.Status == HttpStatusCode.MultiStatus, again.Body);
        Assert.Equal(["ok", "error", "ok"], again.Json.EnumerateArray().Select(item => item.Text("status")));
        Assert.Equal("428_PROOF_REQUIRED", again.Json[1].Member("problem").Text("code"));
    }

    [Fact]
    public async Task SameProofSubmittedTwice_IsOneUse()
    {
        await StartAsync();
        var now = _time.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = now, Exp = now.AddMinutes(5) }.Sign(TestGateway.Kid, _gateway.Key);
        var body = $$$"""{"intent":"wallet.proof.submit","subject":"urn:wallet:dev","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""";
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync(body)).Status);
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync(body)).Status);

        Assert.Null(await DeployAsync("one"));
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync(body)).Status);
        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync("two"));
    }

    [Fact]
    public async Task RefusedDeploy_ConsumesNoProof()
    {
        await StartAsync();
        await ProveAsync();
        Assert.Null(await DeployAsync("one"));
        await ProveAsync();

        var stale = TestGateway.Json(new
        {
            intent = "deploy.apply", subject = "urn:minicontainer:dev/web", payload = new { @ref = _ref, target = new { provider = "fake", service = "one" }, plan_digest = "blake3:" + new string('0', 64) },
        });
        Assert.Equal("409_LIFECYCLE_CONFLICT", (await _gateway.PostAsync(stale)).Code);
        Assert.Null(await DeployAsync("two"));
    }

    [Fact]
    public async Task Deny_CancelsEarlierAllows_NotLaterOnes()
    {
        await StartAsync();
        await ProveAsync();
        await ProveAsync(proof => proof with { Ref = _ref });
        await ProveAsync(proof => proof with { Allow = false });
        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync());

        await ProveAsync();
        Assert.Null(await DeployAsync());
    }

    [Fact]
    public async Task Deny_CancelsOnlyWhatItNames()
    {
        await StartAsync();
        await ProveAsync(proof => proof with { Env = "dev" });
        await ProveAsync(proof => proof with { Allow = false, Env = "prd" });
        await ProveAsync(proof => proof with { Allow = false, Intent = "secret.access" });

        Assert.Null(await DeployAsync());
    }

    [Fact]
    public async Task Deny_LetsNothingThrough()
    {
        await StartAsync();
        await ProveAsync(proof => proof with { Allow = false });

        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync());
    }

    public static TheoryData<string> Bindings => ["env", "ref", "target", "plan", "intent", "subject"];

    [Theory]
    [MemberData(nameof(Bindings))]
    public async Task ProofForSomethingElse_DoesNotHelp(string binding)
    {
        await StartAsync();
        if (binding == "subject")
        {
            await _gateway.ProveAsync("other");
        }
        else
        {
            await ProveAsync(proof => binding switch
            {
                "env" => proof with { Env = "prd" },
                "ref" => proof with { Ref = $"mc:dev/web@blake3:{new string('a', 64)}" },
                "target" => proof with { Target = CanonicalJson.Parse("""{"provider":"fake","service":"other"}""") },
                "plan" => proof with { PlanDigest = "blake3:" + new string('a', 64) },
                _ => proof with { Intent = "secret.access" },
            });
        }

        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync());
    }

    [Fact]
    public async Task ProofThatNamesAllOfIt_Helps()
    {
        await StartAsync();
        await ProveAsync(proof => proof with { Env = "dev", Ref = _ref, Target = CanonicalJson.Parse("""{"service":"web","provider":"fake"}""") });

        Assert.Null(await DeployAsync());
    }

    [Theory]
    [InlineData(-1, null)]
    [InlineData(0, "428_PROOF_REQUIRED")]
    public async Task Expiry_IsExclusive_ToTheInstant(int milliseconds, string? code)
    {
        await StartAsync();
        await ProveAsync(proof => proof with { Exp = _time.GetUtcNow().AddMinutes(5) });

        _time.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(code, await DeployAsync());
    }

    [Fact]
    public async Task ProofSubmittedAfterItsEnd_IsRefused()
    {
        await StartAsync();

        var answer = await _gateway.AssertRefusedAsync("422_SIGNATURE_INVALID", () =>
            _gateway.ProveAsync("web", proof => proof with { Ts = _time.GetUtcNow().AddMinutes(-5), Exp = _time.GetUtcNow() }));

        Assert.Equal(("expired", "/payload/proof/exp"), (answer.Detail("reason"), answer.Detail("path")));
    }

    [Theory]
    [InlineData(900_000, null)]
    [InlineData(900_001, "life_too_long")]
    [InlineData(0, "expired")]
    public async Task Life_IsAtMost15Minutes(int lifeMs, string? reason)
    {
        await StartAsync();

        var answer = await _gateway.ProveAsync("web", proof => proof with { Exp = proof.Ts.AddMilliseconds(lifeMs) });

        Assert.Equal(reason, answer.Status == HttpStatusCode.OK ? null : answer.Detail("reason"));
    }

    [Theory]
    [InlineData(120, null)]
    [InlineData(121, "not_yet_valid")]
    public async Task ProofFromTheFuture_IsRefused_BeyondTheSkew(int seconds, string? reason)
    {
        await StartAsync();

        var answer = await _gateway.ProveAsync("web", proof => proof with { Ts = proof.Ts.AddSeconds(seconds), Exp = proof.Ts.AddSeconds(seconds + 60) });

        Assert.Equal(reason, answer.Status == HttpStatusCode.OK ? null : answer.Detail("reason"));
    }

    [Fact]
    public async Task OfSeveral_TheOneThatExpiresFirst_IsConsumed()
    {
        await StartAsync();
        foreach (var minutes in new[] { 9, 3, 6 })
        {
            await ProveAsync(proof => proof with { Exp = proof.Ts.AddMinutes(minutes) });
        }

        Assert.Null(await DeployAsync("one"));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Null(await DeployAsync("two"));
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Null(await DeployAsync("three"));
        Assert.Equal("428_PROOF_REQUIRED", await DeployAsync("four"));
    }

    [Fact]
    public async Task WhatAProofNames_NeedNotExistYet()
    {
        await StartAsync();
        var manifest = _gateway.Manifest("""{"image":"localhost/later:1"}""");
        var later = LogLine.Protocol.MiniContainers.MiniContainerRef.Of("dev", "later", manifest.Root).ToString();

        Assert.Equal(HttpStatusCode.OK, (await _gateway.ProveAsync("later", proof => proof with { Ref = later })).Status);
        await _gateway.ApplyAsync("later", manifest);
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync(TestGateway.Deploy(later))).Status);
    }

    [Theory]
    [InlineData("tenant", "/payload/proof/tenant")]
    [InlineData("subject", "/payload/proof/subject")]
    [InlineData("ref", "/payload/proof/ref")]
    public async Task ProofOfAnotherTenant_IsForbidden(string what, string path)
    {
        await StartAsync();

        var answer = await _gateway.AssertRefusedAsync("403_FORBIDDEN", () => _gateway.PostAsync(OnTheWallet(what switch
        {
            "tenant" => Draft() with { Tenant = "other" },
            "subject" => Draft() with { Subject = "urn:minicontainer:other/web" },
            _ => Draft() with { Ref = $"mc:other/web@blake3:{new string('a', 64)}" },
        })));

        Assert.Equal(path, answer.Detail("path"));
    }

    [Fact]
    public async Task ProofWhoseRefIsNotItsSubject_Contradicts()
    {
        await StartAsync();

        var answer = await _gateway.AssertRefusedAsync("422_SCHEMA_INVALID", () => _gateway.PostAsync(OnTheWallet(Draft() with { Ref = $"mc:dev/other@blake3:{new string('a', 64)}" })));

        Assert.Equal(("/payload/proof/ref", "consistency"), answer.Error());
    }

    [Fact]
    public async Task Proof_IsAnsweredWithAVerifiedSpan()
    {
        await StartAsync();
        var before = _gateway.Ledger.Size;

        await ProveAsync(proof => proof with { Ref = _ref });

        var spans = await _gateway.SpansFromAsync(before, 2);
        Assert.Equal(["wallet.proof.submit", "wallet.proof.verified"], spans.Select(span => span.Intent!));
        Assert.Equal(("deploy.allow", "allow", _ref, spans[0].This), (spans[1].Payload.Text("proof_intent"), spans[1].Payload.Text("result"), spans[1].Payload.Text("ref"), spans[1].Payload.Text("span")));
    }

    [Fact]
    public async Task ProofThatTheLedgerHeldBefore_SurvivesTheRevocationOfItsKey()
    {
        await StartAsync();
        await ProveAsync();
        Assert.Equal(HttpStatusCode.OK, (await _gateway.PostAsync(BadInputTests.Revoke())).Status);

        // The ledger held the proof before the key was revoked (by index).
        Assert.Null(await DeployAsync());
    }

    private ProofDraft Draft() => new() { Intent = "deploy.allow", Tenant = "dev", Subject = "urn:minicontainer:dev/web", Ts = _time.GetUtcNow(), Exp = _time.GetUtcNow().AddMinutes(5) };

    private string OnTheWallet(ProofDraft draft) =>
        $$$"""{"intent":"wallet.proof.submit","subject":"urn:wallet:dev","payload":{"proof":{{{TestGateway.Text(draft.Sign(TestGateway.Kid, _gateway.Key))}}}}}""";

    private async Task StartAsync(FakeAdapter? fake = null)
    {
        _gateway = await (await TestGateway.StartAsync([fake ?? new FakeAdapter()], _time)).RegisterKeyAsync();
        _ref = await _gateway.ApplyAsync("web");
    }

    private async Task ProveAsync(Func<ProofDraft, ProofDraft>? change = null) => Assert.Equal(HttpStatusCode.OK, (await _gateway.ProveAsync("web", change)).Status);

    private async Task<string?> DeployAsync(string service = "web") => (await _gateway.PostAsync(TestGateway.Deploy(_ref, service: service))).Code;

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }
    }
}
