using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Submissions;

public sealed class UniversalTests
{
    private static string Body(string paragraph, bool? dryRun = null) => TestGateway.Json(dryRun is null ? new { paragraph } : new { paragraph, dry_run = dryRun });

    [Fact]
    public async Task CompleteSentence_DryRunShowsSpanAndStableHash_WritesNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var body = Body("Quero cadastrar pessoa Joana Maria Silva, email Joana@EX.com, país Portugal, consent ok");

        var first = await gateway.PostAsync(body, Bare, "/v1/universal");
        var second = await gateway.PostAsync(body, Bare, "/v1/universal");

        Assert.Equal("ok", first.Json.Text("status"));
        var span = first.Json.GetProperty("compiled_span");
        Assert.Equal("urn:registry:person/joana_m_silva", span.Text("subject"));
        Assert.Equal("joana@ex.com", span.GetProperty("payload").Text("email"));
        Assert.Equal("PT", span.GetProperty("payload").Text("country"));
        Assert.Equal(first.Json.Text("compiled_hash"), second.Json.Text("compiled_hash"));
        Assert.Equal(0, gateway.Ledger.Size);
    }

    [Fact]
    public async Task CompleteSentence_WithoutDryRun_IsDurableWithReceipt()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Body("create person John Doe, email john@example.com, country US, consent yes", dryRun: false), path: "/v1/universal");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(0, answer.Json.GetProperty("receipt").Integer("log_index"));
        Assert.Equal("registry.person.create", answer.Json.GetProperty("compiled_span").Text("intent"));
    }

    [Fact]
    public async Task MissingFields_AreAskedFor()
    {
        await using var gateway = await TestGateway.StartAsync();

        var dry = await gateway.PostAsync(Body("create person John Doe"), Bare, "/v1/universal");
        var wet = await gateway.PostAsync(Body("create person John Doe", dryRun: false), path: "/v1/universal");

        Assert.Equal((HttpStatusCode.OK, "need_more"), (dry.Status, dry.Json.Text("status")));
        Assert.Equal(["payload.email", "payload.country", "payload.consent"], dry.Json.Texts("missing_fields"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "422_TDLN_INVALID"), (wet.Status, wet.Code));
    }

    [Fact]
    public async Task RunThatIsNotThere_IsNotAskedAbout()
    {
        await using var gateway = await TestGateway.StartAsync();

        var dry = await gateway.PostAsync(Body("parar run_0123456789"), Bare, "/v1/universal");
        var wet = await gateway.PostAsync(Body("parar run_0123456789", dryRun: false), path: "/v1/universal");

        Assert.Equal("404_NOT_FOUND", dry.Json.GetProperty("problem").Text("code"));
        Assert.Equal("run.cancel", dry.Json.GetProperty("compiled_span").Text("intent"));
        Assert.Equal((HttpStatusCode.NotFound, "404_NOT_FOUND"), (wet.Status, wet.Code));
    }

    [Fact]
    public async Task UnknownWish_IsInvalidWithExamplesInItsLanguage()
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(Body("criar algo"), Bare, "/v1/universal");

        Assert.Equal("invalid", answer.Json.Text("status"));
        Assert.Contains("Exemplos", answer.Json.Text("suggested_reply"));
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(Body("criar algo", dryRun: false), path: "/v1/universal")).Code);
    }

    [Fact]
    public async Task DeploySentence_NeedsTheSameProofAsASpan()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter("podman")])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        var body = Body($"subir {reference} para podman serviço web", dryRun: false);

        Assert.Equal("428_PROOF_REQUIRED", (await gateway.PostAsync(body, path: "/v1/universal")).Code);
        await gateway.ProveAsync("web");
        var deployed = await gateway.PostAsync(body, path: "/v1/universal");

        Assert.Equal(HttpStatusCode.OK, deployed.Status);
        Assert.Equal("planned", deployed.Json.GetProperty("run").Text("state"));
    }

    [Fact]
    public async Task Question_IsAnsweredWithWhatToAsk_AndIsNoWrite()
    {
        await using var gateway = await TestGateway.StartAsync();

        var dry = await gateway.PostAsync(Body("status de urn:minicontainer:dev/web"), Bare, "/v1/universal");
        var wet = await gateway.PostAsync(Body("status de urn:minicontainer:dev/web", dryRun: false), path: "/v1/universal");

        Assert.Contains("urn", dry.Json.GetProperty("query").Text("path") + dry.Json.GetProperty("query").GetRawText());
        Assert.Equal("422_SCHEMA_INVALID", wet.Code);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"paragraph":1}""")]
    [InlineData("""{"paragraph":"x","nonsense":true}""")]
    public async Task MalformedRequest_SaysWhatIsAccepted(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        var answer = await gateway.PostAsync(body, path: "/v1/universal");
        Assert.Contains(answer.Json.Text("status"), new[] { "invalid", "need_more" });
    }

    /// <summary>A dry run needs neither nonce nor time.</summary>
    private static void Bare(HttpRequestMessage request)
    {
        request.Headers.Remove("X-Nonce");
        request.Headers.Remove("X-Timestamp");
    }
}
