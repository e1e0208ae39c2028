using System.Diagnostics;
using LogLine.Api.Tests.Delivery;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Primitives;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>Traces as a collector gets them: one trace from the request to the engine, and nothing in it that is a secret or a payload.</summary>
public sealed class TraceTests
{
    private readonly string _trace = ActivityTraceId.CreateRandom().ToHexString();
    private readonly string _caller = ActivitySpanId.CreateRandom().ToHexString();

    private void Traced(HttpRequestMessage request) => request.Headers.Add("traceparent", $"00-{_trace}-{_caller}-01");

    [Fact]
    public async Task Deploy_IsOneTrace_FromTheRequestToTheEngine()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync("podman", collector.Settings);
        await lab.Gateway.RegisterKeyAsync();
        var name = lab.Name();
        var reference = await lab.Gateway.ApplyAsync(name, 1, ""","entrypoint":["/bin/sleep","600"]""", PrimitiveLab.Image);
        await lab.Gateway.ProveAsync(name);

        var answer = await lab.Gateway.PostAsync(TestGateway.Deploy(reference, lab.Provider, name), request =>
        {
            Traced(request);
            request.Headers.Add("Prefer", "wait=50");
        });

        Assert.Equal("running", answer.Json.Member("run").Text("state"));
        Assert.Equal(_trace, answer.Json.Text("trace_id"));
        await collector.UntilAsync(() => Find(collector, "POST /v1/spans") is not null && Find(collector, "run deploy.apply") is not null
            && collector.Spans.Any(span => span.Name == "ledger commit" && Of(collector, Find(collector, "POST /v1/spans")!).Any(append => span.Links.Contains((_trace, append.SpanId)))));
        var request = Find(collector, "POST /v1/spans")!;
        Assert.Equal((_caller, 2L), (request.Parent, request.Kind));
        Assert.Equal(("POST", "/v1/spans", "200"), (request.Attributes["http.request.method"], request.Attributes["http.route"], request.Attributes["http.response.status_code"]));
        var gate = Find(collector, "gate")!;
        Assert.Equal(request.SpanId, gate.Parent);
        var run = Find(collector, "run deploy.apply")!;
        Assert.Equal(gate.SpanId, run.Parent);
        Assert.Equal(answer.Json.Member("run").Text("run_id"), run.Attributes["logline.run_id"]);
        Assert.Contains(Of(collector, run), span => span.Name == "podman: create a container" && span.Kind == 3);
        Assert.Contains(Of(collector, run), span => span.Name == "podman: start a container");
        Assert.Contains(Of(collector, run), span => span.Name == "ledger append");
        Assert.Equal("logline-under-test", collector.Resource["service.name"]);

        // A batch is many requests' work: a trace of its own, that links to theirs, and they to it.
        var append = Assert.Single(Of(collector, request), span => span.Name == "ledger append");
        var commit = collector.Spans.Single(span => span.Name == "ledger commit" && span.Links.Contains((_trace, append.SpanId)));
        Assert.NotEqual(_trace, commit.TraceId);
        Assert.Equal([(commit.TraceId, commit.SpanId)], append.Links);
        await lab.DoAsync("container.remove", name, """{"force":true}""");
    }

    [Fact]
    public async Task Refusal_HasTheTraceOfItsRequest_AndNothingSentHoldsSecretsOrPayloads()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var gateway = await TestGateway.StartAsync(settings: collector.Settings);
        const string Payload = "a-payload-that-nobody-may-see";
        var ticket = (await gateway.PostAsync("""{"origin":"https://app.example.com"}""", path: "/v1/stream/tickets")).Json.Text("ticket")!;
        using (await SpanStream.OpenAsync(gateway, "?ticket=" + ticket, request => request.Headers.Add("Origin", "https://app.example.com"), anonymous: true))
        {
        }

        await gateway.PostAsync(TestGateway.Json(new { intent = "registry.person.create", subject = "urn:registry:person/joana", payload = new { name = Payload, email = "j@example.com", country = "PT", consent = true } }), request => request.Headers.Add("Idempotency-Key", Payload));
        var refused = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":7}}""", Traced);

        Assert.Equal("422_TDLN_INVALID", refused.Code);
        Assert.Equal(_trace, refused.Json.Text("trace_id"));
        await collector.UntilAsync(() => Find(collector, "gate") is not null && Find(collector, "POST /v1/spans") is not null && collector.Metrics.ContainsKey("logline.gate.verdicts"));
        Assert.Equal("form", Find(collector, "gate")!.Attributes["logline.refused_by"]);
        Assert.All([gateway.ApiKey, ticket, Payload], secret => Assert.DoesNotContain(secret, collector.Raw, StringComparison.Ordinal));
    }

    private ReceivedSpan? Find(OtlpReceiver collector, string name) => collector.Spans.FirstOrDefault(span => span.TraceId == _trace && span.Name == name);

    private static IEnumerable<ReceivedSpan> Of(OtlpReceiver collector, ReceivedSpan parent) => collector.Spans.Where(span => span.Parent == parent.SpanId);
}
