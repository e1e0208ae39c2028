using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Workers;
using LogLine.Api.Workers.Serving;
using LogLine.Api.Workers.Working;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Workers;

/// <summary>What a gateway takes from workers, and what a worker takes from a gateway: everything else is refused, with its reason.</summary>
public sealed class WorkerProtocolTests
{
    [Fact]
    public async Task Gateway_TakesAReportFromWhoHasTheLease_AndFromNobodyElse()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        using var other = await Stranger.OpenAsync(lab);
        var subject = $"urn:minicontainer:dev/{lab.Service}";
        var exited = $$"""{"kind":"run_state/exited.v1","run_id":"{{run}}","exited_at":"2026-11-21T00:00:00.000Z","exit_code":0}""";

        Assert.Equal((403, "worker_unknown"), await other.SayAsync("v1/runs/lease", "{}"));
        Assert.Equal(200, (await other.SayAsync("v1/workers", Encoding.UTF8.GetString(other.Identity.Announce(fresh: true, DateTimeOffset.UtcNow).Utf8.Span))).Status);
        Assert.Equal((409, "lease_lost"), await other.ReportAsync(run, other.Span("run_state.exited", subject, exited)));
        Assert.Empty((await other.AnswerAsync(HttpMethod.Post, "v1/runs/leases", $$"""{"runs":["{{run}}"]}""")).Body.Texts("held"));

        // Signed by another key, with another kind, about another run, of another form: none of it is appended.
        using var stolen = SigningKey.Generate();
        Assert.Equal(422, (await other.ReportAsync(run, other.Span("run_state.exited", subject, exited, stolen))).Status);
        Assert.Equal(422, (await other.ReportAsync(run, other.Span("run_state.exited", subject, exited, kind: SignatureKind.Span))).Status);
        Assert.Equal(422, (await other.ReportAsync(run, other.Span("run_state.exited", "urn:minicontainer:dev/another", exited))).Status);
        Assert.Equal(422, (await other.ReportAsync(run, other.Span("run_state.exited", subject, $$"""{"kind":"run_state/exited.v1","run_id":"{{run}}","exit_code":"none"}"""))).Status);
        Assert.Equal(422, (await other.ReportAsync(run, other.Span("deploy.apply", subject, """{"kind":"deploy/apply.v1"}"""))).Status);
        Assert.Equal(404, (await other.ReportAsync("run_none", other.Span("run_state.exited", subject, exited))).Status);
        Assert.Equal("running", (await lab.RunAsync(run)).Text("state"));

        // What workers say, a client does not; and what workers ask, a client's token does not.
        Assert.Equal("403_FORBIDDEN", (await lab.WriteAsync("/v1/spans", $$$"""{"intent":"grant.materialize","subject":"{{{subject}}}","payload":{"grant_id":"db","run_id":"{{{run}}}"}}""")).Text("code"));
        using var reader = await Stranger.OpenAsync(lab, "read");
        Assert.Equal((403, "scope"), await reader.SayAsync("v1/workers", "{}"));
    }

    [Fact]
    public async Task RevokedWorker_IsNotHeardAnyMore()
    {
        await using var lab = await RoleLab.OpenAsync();
        using var other = await Stranger.OpenAsync(lab);
        var announcement = Encoding.UTF8.GetString(other.Identity.Announce(fresh: true, DateTimeOffset.UtcNow).Utf8.Span);
        Assert.Equal(200, (await other.SayAsync("v1/workers", announcement)).Status);
        Assert.Equal(200, (await other.SayAsync("v1/runs/lease", "{}")).Status);
        await lab.PostAsync($$$"""{"intent":"wallet.key.revoke","subject":"urn:wallet:dev","payload":{"kid":"{{{other.Identity.Kid}}}","reason":"stolen"}}""");
        Assert.Equal((403, "worker_unknown"), await other.SayAsync("v1/runs/lease", "{}"));
        Assert.Equal((403, "worker_key"), await other.SayAsync("v1/workers", announcement));
        // Somebody else's key under that kid, an announcement of yesterday, one that another key has signed.
        foreach (var wrong in new[] { announcement.Replace("edge", "egde"), announcement.Replace(other.Identity.Kid, "worker_0123456789abcdef"), """{"type":"ll.worker.v1"}""" })
        {
            Assert.Equal(422, (await other.SayAsync("v1/workers", wrong)).Status);
        }
    }

    [Fact]
    public async Task AnotherTenantsWorker_SeesOnlyThatTenantsRuns()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        var tenant = await lab.WriteAsync("/v1/tenants", """{"tenant":"acme"}""");
        using var theirs = new Stranger(lab, tenant.Text("api_key")!);
        await theirs.SayAsync("v1/workers", Encoding.UTF8.GetString(theirs.Identity.Announce(fresh: true, DateTimeOffset.UtcNow).Utf8.Span));
        Assert.Equal(404, (await theirs.AnswerAsync(HttpMethod.Get, $"v1/runs/{run}/order", null)).Status);
        var leased = await theirs.AnswerAsync(HttpMethod.Post, "v1/runs/lease", """{"limit":10,"targets":[{"provider":"podman","effects":[]}]}""");
        Assert.Empty(leased.Body.Items("runs"));
    }

    /// <summary>Every part of an order that somebody between gateway and worker could change makes it no order.</summary>
    [Fact]
    public async Task Worker_BelievesAnOrderAsTheGatewaySignedIt_AndNoOther()
    {
        await using var lab = await RoleLab.OpenAsync();
        await lab.StartWorkerAsync("edge");
        var run = await lab.DeployAsync();
        await lab.StateAsync(run, "run_state.running");
        using var other = await Stranger.OpenAsync(lab);
        var met = await other.AnswerAsync(HttpMethod.Post, "v1/workers", Encoding.UTF8.GetString(other.Identity.Announce(fresh: true, DateTimeOffset.UtcNow).Utf8.Span));
        var order = (await other.AnswerAsync(HttpMethod.Get, $"v1/runs/{run}/order", null)).Body;
        var check = new OrderCheck(other.Identity, new ServerPin(other.Folder, met.Body.Text("span_public_key")), TestGateway.Schemas.Value, TimeProvider.System);

        Assert.Null(check.Verify(order).Problem);
        foreach (var (what, change) in new (string, Action<JsonNode>)[]
        {
            ("permit run", json => json["permit"]!["run_id"] = "run_other"),
            ("permit time", json => json["permit"]!["exp"] = "2099-01-01T00:00:00.000Z"),
            ("permit grants", json => json["permit"]!["grants"] = new JsonArray("db")),
            ("no permit", json => json.AsObject().Remove("permit")),
            ("another run's", json => json["run"]!["run_id"] = "run_other"),
            ("another tenant's", json => json["run"]!["tenant"] = "acme"),
            ("another environment", json => json["run"]!["env"] = "other"),
            ("another time", json => json["run"]!["created_at"] = "2026-01-01T00:00:00.000Z"),
            ("another engine", json => json["run"]!["provider"] = "docker"),
            ("another service", json => json["run"]!["service"] = "other"),
            ("another target", json => json["run"]!["target"]!["service"] = "other"),
            ("another course", json => json["run"]!["detail"]!["order"] = JsonNode.Parse("""{"strategy":"recreate","goes_back":true,"container_id":"abc","run_id":null}""")),
            ("another span", json => json["span"]!["payload"]!["ref"] = "mc:dev/other@blake3:" + new string('0', 64)),
            ("another manifest", json => json["manifest"]!["deploy"]!["image"] = "evil:1"),
            ("no manifest", json => json.AsObject().Remove("manifest")),
            ("another proof", json => json["proof"]!["subject"] = "urn:minicontainer:dev/other"),
            ("no proof", json => json.AsObject().Remove("proof")),
            ("another key", json => json["evidence"]!["keys"]![0]!["pub"] = new string('0', 64)),
            ("a grant that is not revoked any more", json => json["evidence"]!["revoked"] = new JsonArray("x")),
        })
        {
            var changed = JsonNode.Parse(order.GetRawText())!;
            change(changed);
            Assert.True(check.Verify(JsonDocument.Parse(changed.ToJsonString()).RootElement).Problem is not null, what);
        }

        // Another gateway's key, another worker's permit, and one whose time is over.
        using var stranger = SigningKey.Generate();
        Assert.NotNull(new OrderCheck(other.Identity, new ServerPin(other.Folder, stranger.PublicKeyHex), TestGateway.Schemas.Value, TimeProvider.System).Verify(order).Problem);
        var path = JsonNode.Parse(order.GetRawText())!;
        (path["run"]!["run_id"], path["permit"]!["run_id"]) = ("../keys/runner", "../keys/runner");
        path["permit"]!.AsObject().Remove("sig");
        path["permit"] = JsonNode.Parse(SignedObject.Sign(CanonicalJson.Parse(Encoding.UTF8.GetBytes(path["permit"]!.ToJsonString())), SignatureKind.Permit, stranger).Utf8.Span);
        Assert.Equal("its run_id is none", new OrderCheck(other.Identity, new ServerPin(other.Folder, stranger.PublicKeyHex), TestGateway.Schemas.Value, TimeProvider.System).Verify(JsonDocument.Parse(path.ToJsonString()).RootElement).Problem);
        using var third = await Stranger.OpenAsync(lab);
        Assert.NotNull(new OrderCheck(third.Identity, new ServerPin(third.Folder, met.Body.Text("span_public_key")), TestGateway.Schemas.Value, TimeProvider.System).Verify(order).Problem);
        Assert.NotNull(new OrderCheck(other.Identity, new ServerPin(other.Folder, met.Body.Text("span_public_key")), TestGateway.Schemas.Value, new ManualTime(DateTimeOffset.UtcNow.AddMinutes(10))).Verify(order).Problem);
    }

    /// <summary>Whoever has the gateway's key can sign an order, but no proof: a command into a container with secrets is not carried out on the gateway's word that there was one.</summary>
    [Theory]
    [InlineData(null, true)]
    [InlineData("secret.access", true)]
    [InlineData("capability.allow", false)]
    [InlineData("missing", false)]
    [InlineData("secret.access", false, "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public async Task Worker_TakesNoWordForAProof(string? intent, bool isTaken, string? planDigest = null)
    {
        await using var gateway = await TestGateway.StartAsync([], role: "gateway");
        await using var edge = await EdgeWorker.OpenAsync(gateway, null, "container.exec");
        var server = gateway.Services.GetRequiredService<SpanLedger>().Identity;
        using var key = SigningKey.Generate();
        var now = DateTimeOffset.UtcNow;
        const string Subject = "urn:container:dev/web";
        var payload = JsonElement.Parse("""{"argv":["env"],"kind":"container/exec.v1","name":"web","target":{"provider":"fake"}}""");
        var span = CanonicalJson.Parse($$"""{"intent":"container.exec","payload":{{payload}},"subject":"{{Subject}}","this":"span_1"}""");
        var detail = RunDetail.OfOrder(new PrimitiveOrder("container.exec", "exec", payload));
        var run = new RunRow
        {
            RunId = "run_1", Tenant = "dev", Env = "dev", Intent = "container.exec", Subject = Subject, Service = "web", Provider = "fake", Span = "span_1", Target = """{"provider":"fake"}""",
            Detail = intent is null ? detail : RunDetail.Proven(detail, "span_0"), CreatedAt = now,
        };
        var proof = intent is null or "missing" ? null : new ProofDraft { Intent = intent, Tenant = "dev", Subject = Subject, Ts = now, Exp = now.AddMinutes(5), PlanDigest = planDigest }.Sign("kid_t", key);
        var evidence = CanonicalJson.Parse($$$"""{"keys":[],"proof_key":{"kid":"kid_t","pub":"{{{key.PublicKeyHex}}}"},"revoked":[]}""");
        var parts = new WorkOrderParts(span, null, proof, evidence);
        var order = CanonicalJson.Compose(new WorkOrder(run, RunPermit.Sign(server, run, edge.Identity.Kid, parts, [], now), parts, null, false, null).WriteTo);

        var problem = new OrderCheck(edge.Identity, new ServerPin(edge.Folder, edge.SpanKey), TestGateway.Schemas.Value, TimeProvider.System).Verify(order.Root).Problem;

        Assert.True(isTaken == problem is null, problem);
    }

    /// <summary>What is carried out follows from the span's intent, by the worker's own catalogue: a gateway that says otherwise, by mistake or not, is not obeyed though it has signed.</summary>
    [Theory]
    [InlineData("container.stop", "container.stop", "stop", "web", true)]
    [InlineData("container.remove", "container.remove", "remove with force", "web", true)]
    [InlineData("container.stop", "container.remove", "stop", "web", false)]
    [InlineData("container.stop", "container.stop", null, "web", false)]
    [InlineData("container.remove", "container.remove", "remove", "web", false)]
    [InlineData("container.stop", "container.stop", "stop", "api", false)]
    [InlineData("container.stop", "container.stop", "stop", "web", false, "podman")]
    [InlineData("container.unheard", "container.stop", "stop", "web", false)]
    [InlineData("session.create", "container.stop", "stop", "web", false)]
    [InlineData("deploy.rollback", "container.stop", "stop", "web", false)]
    public async Task Worker_DoesWhatTheIntentSays_AndNothingElse(string intent, string effect, string? operation, string service, bool isTaken, string provider = "fake")
    {
        await using var gateway = await TestGateway.StartAsync([], role: "gateway");
        await using var edge = await EdgeWorker.OpenAsync(gateway, null, "container.stop");
        var now = DateTimeOffset.UtcNow;
        const string Subject = "urn:container:dev/web";
        var payload = JsonElement.Parse("""{"force":true,"name":"web","target":{"provider":"fake"}}""");
        var span = CanonicalJson.Parse($$"""{"intent":"{{intent}}","payload":{{payload}},"subject":"{{Subject}}","this":"span_1"}""");
        var run = new RunRow
        {
            RunId = "run_1", Tenant = "dev", Env = "dev", Intent = intent, Subject = Subject, Service = service, Provider = provider, Span = "span_1", Target = """{"provider":"fake"}""",
            Detail = RunDetail.OfOrder(new PrimitiveOrder(effect, operation, payload)), CreatedAt = now,
        };
        var parts = new WorkOrderParts(span, null, null, CanonicalJson.Parse("""{"keys":[],"revoked":[]}"""u8));
        var permit = RunPermit.Sign(gateway.Services.GetRequiredService<SpanLedger>().Identity, run, edge.Identity.Kid, parts, [], now);
        var order = CanonicalJson.Compose(new WorkOrder(run, permit, parts, null, false, "run_2").WriteTo);

        var (verified, problem, isLeft) = new OrderCheck(edge.Identity, new ServerPin(edge.Folder, edge.SpanKey), TestGateway.Schemas.Value, TimeProvider.System).Verify(order.Root);

        Assert.True(isTaken == problem is null, problem);
        Assert.Equal(isTaken ? "run_2" : null, verified?.Restart);
        Assert.Equal(intent == "container.unheard", isLeft); // a newer worker may know it
    }

    [Fact]
    public void GatewayWithAnotherKeyThanThePinnedOne_IsNotServed()
    {
        var path = Directory.CreateTempSubdirectory("logline-pin-").FullName;
        try
        {
            using var folder = DataFolder.Open(path);
            var first = JsonDocument.Parse($$"""{"span_public_key":"{{new string('1', 64)}}"}""").RootElement;
            var second = JsonDocument.Parse($$"""{"span_public_key":"{{new string('2', 64)}}"}""").RootElement;
            Assert.Null(new ServerPin(folder, null).Meet(first, default));
            Assert.Null(new ServerPin(folder, null).Meet(first, default));
            Assert.Contains("gateway.pin", new ServerPin(folder, null).Meet(second, default));
            Assert.Null(new ServerPin(folder, new string('2', 64)).Meet(second, default));
            Assert.Throws<DataFolderException>(() => new ServerPin(folder, "no key"));
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>What the pinned log key, or one that follows from it, has endorsed takes the pinned key's place; nothing else does, and what was replaced does not come back.</summary>
    [Fact]
    public void EndorsedKey_TakesThePinnedOnesPlace_AndNoOtherDoes()
    {
        var path = Directory.CreateTempSubdirectory("logline-pin-").FullName;
        using var log = SigningKey.Generate();
        using var nextLog = SigningKey.Generate();
        using var thief = SigningKey.Generate();
        using var span1 = SigningKey.Generate();
        using var span2 = SigningKey.Generate();
        using var span3 = SigningKey.Generate();
        try
        {
            using var folder = DataFolder.Open(path);
            string Key(string use, SigningKey key, long from, SigningKey? signer, string origin = "o") => signer is null
                ? $$"""{"kid":"k{{from}}","use":"{{use}}","public_key":"{{key.PublicKeyHex}}","from_tree_size":{{from}} }"""
                : $$"""{"kid":"k{{from}}","use":"{{use}}","public_key":"{{key.PublicKeyHex}}","from_tree_size":{{from}},"endorsement":{{JsonSerializer.Serialize(KeyEndorsement.Sign(origin, use, "k" + from, key.PublicKey, from, signer))}} }""";
            JsonElement Keys(params string[] keys) => JsonElement.Parse($$"""{"origin":"o","keys":[{{string.Join(',', keys)}}]}""");
            JsonElement Says(SigningKey span) => JsonElement.Parse($$"""{"span_public_key":"{{span.PublicKeyHex}}","log_public_key":"{{log.PublicKeyHex}}"}""");
            var first = new[] { Key("log", log, 0, null), Key("span", span1, 0, null) };
            ServerPin Pin() => new(folder, null);

            Assert.Null(Pin().Meet(Says(span1), Keys(first)));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, Key("span", span2, 10, null)])));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, Key("span", span2, 10, thief)])));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, Key("log", thief, 5, thief), Key("span", span2, 10, thief)])));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, Key("span", span3, 10, log)])));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, Key("span", span2, 10, log, "another")])));
            Assert.Equal(Says(span1).Text("span_public_key"), Convert.ToHexStringLower(Pin().PublicKey!));

            var second = Key("span", span2, 10, log);
            Assert.Null(Pin().Meet(Says(span2), Keys([.. first, second])));
            var third = new[] { Key("log", nextLog, 20, log), Key("span", span3, 30, nextLog) };
            Assert.Null(Pin().Meet(Says(span3), Keys([.. first, second, .. third])));
            Assert.NotNull(Pin().Meet(Says(span2), Keys([.. first, second])));
            Assert.NotNull(new ServerPin(folder, span1.PublicKeyHex).Meet(Says(span2), Keys([.. first, second])));
            Assert.Equal(span3.PublicKeyHex, Convert.ToHexStringLower(Pin().PublicKey!));
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>A worker of the test's own: keys, a token, and whatever it likes to say.</summary>
    private sealed class Stranger : IDisposable
    {
        private readonly HttpClient _client;

        public Stranger(RoleLab lab, string token)
        {
            Folder = DataFolder.Open(Directory.CreateTempSubdirectory("logline-stranger-").FullName);
            Identity = WorkerIdentity.Open(Folder, "edge-of-test");
            _client = new HttpClient { BaseAddress = lab.Client.BaseAddress };
            _client.DefaultRequestHeaders.Authorization = new("ApiKey", token);
            _client.DefaultRequestHeaders.Add(WorkerWire.Header, Identity.Id);
        }

        public WorkerIdentity Identity { get; }

        public DataFolder Folder { get; }

        public static async Task<Stranger> OpenAsync(RoleLab lab, string scope = "runner") => new(lab, await lab.RunnerTokenAsync(scope));

        public CanonicalJson Span(string intent, string subject, string payload, SigningKey? key = null, SignatureKind kind = SignatureKind.Event) => CanonicalJson.Parse(new SpanDraft
        {
            Intent = intent, Subject = subject, EntityType = "function", Actor = "edge", Ts = DateTimeOffset.UtcNow,
            Payload = json =>
            {
                foreach (var member in JsonDocument.Parse(payload).RootElement.EnumerateObject())
                {
                    member.WriteTo(json);
                }
            },
        }.Sign(Identity.Kid, key ?? Identity.Key, kind).Utf8);

        public async Task<(int Status, string? Reason)> ReportAsync(string run, CanonicalJson span) => await SayAsync($"v1/runs/{run}/reports", $$"""{"spans":[{{TestGateway.Text(span)}}]}""");

        public async Task<(int Status, string? Reason)> SayAsync(string path, string body) => await AnswerAsync(HttpMethod.Post, path, body) is var answer ? (answer.Status, answer.Reason) : default;

        public async Task<GatewayAnswer> AnswerAsync(HttpMethod method, string path, string? body)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, null, "application/json") };
            using var response = await _client.SendAsync(request, RoleLab.Cancel);
            var text = await response.Content.ReadAsStringAsync(RoleLab.Cancel);
            return new GatewayAnswer((int)response.StatusCode, text.Length > 0 ? JsonDocument.Parse(text).RootElement : default);
        }

        public void Dispose()
        {
            _client.Dispose();
            Identity.Dispose();
            Folder.Dispose();
            Directory.Delete(Folder.Path, recursive: true);
        }
    }
}
