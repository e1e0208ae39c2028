using System.Net;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Telemetry;

/// <summary><c>/metrics</c>: who may read it, its format, and that it counts what has happened.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_CountWhatHappened_InTheFormatOfPrometheus()
    {
        await using var gateway = await GatewayProcess.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("p" + i))).Status);
        }
        Assert.Equal("422_TDLN_INVALID", (await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{}}""")).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync("""{"intent":"no.such_intent_of_mine","subject":"urn:registry:person/x","payload":{}}""")).Code);
        Assert.Equal("401_UNAUTHENTICATED", (await gateway.PostAsync("{}", request => request.UseToken("nobody"))).Code);
        using var stream = await gateway.Client.GetAsync("/v1/stream", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("live"))).Status);
        using var events = new StreamReader(await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (await events.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && line != "event: span")
        {
        }

        var text = await CountedAsync(gateway);
        var metrics = MetricFamily.Read(text);

        Assert.InRange(metrics["logline_streams_delay_seconds"].Value(), 1, 3); // the span, and what is written of refusals a moment later
        Assert.InRange(metrics["logline_streams_delay_seconds"].Samples.Single(sample => sample.Name.EndsWith("_sum", StringComparison.Ordinal)).Value, 1e-9, 60);
        Assert.Equal(4, metrics["logline_gate_verdicts_total"].Value(("intent", "registry.person.create"), ("code", "ok")));
        Assert.Equal(1, metrics["logline_gate_verdicts_total"].Value(("intent", "registry.person.create"), ("code", "422_TDLN_INVALID")));
        Assert.Equal(1, metrics["logline_gate_verdicts_total"].Value(("intent", "unknown"), ("code", "422_SCHEMA_INVALID")));
        Assert.Equal(1, metrics["logline_http_refusals_total"].Value(("code", "401_UNAUTHENTICATED")));
        Assert.Equal(6, metrics["logline_gate_duration_seconds"].Value());
        Assert.InRange(metrics["logline_ledger_tree_size"].Value(), 4, 6);
        Assert.InRange(metrics["logline_ledger_batch_size"].Samples.Single(sample => sample.Name.EndsWith("_sum", StringComparison.Ordinal)).Value, 4, 6);
        Assert.Equal(0, metrics["logline_ledger_queue_length"].Value());
        Assert.Equal(0, metrics["logline_ledger_stopped"].Value());
        Assert.Equal(0, metrics["logline_runs_live"].Value(("state", "running")));
        Assert.Equal(1, metrics["logline_streams_open"].Value(("transport", "sse")));
        Assert.Equal(4, Answered(metrics));
        Assert.True(metrics["dotnet_process_memory_working_set_bytes"].Value() > 0);
        Assert.Contains("dotnet_gc_collections_total", metrics.Keys);
        Assert.DoesNotContain("no.such_intent_of_mine", text, StringComparison.Ordinal);
        await Promtool.AssertContentAsync(text, "check", "metrics");
    }

    /// <summary>The metrics once that is counted which is counted behind an answer, behind the flush that a reader has seen, or with the record of a refusal.</summary>
    private static async Task<string> CountedAsync(GatewayProcess gateway)
    {
        for (var left = 6000; ; left--)
        {
            var text = await gateway.Client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            var metrics = MetricFamily.Read(text);
            if (metrics.ContainsKey("logline_streams_delay_seconds") && metrics["logline_ledger_tree_size"].Value() == 6 && Answered(metrics) == 4)
            {
                return text;
            }
            Assert.True(left > 0, text);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private static double Answered(Dictionary<string, MetricFamily> metrics) => metrics["http_server_request_duration_seconds"].Value(("http_route", "/v1/spans"), ("http_response_status_code", "200"));

    [Fact]
    public async Task Metrics_NeedTheirScope()
    {
        await using var gateway = await TestGateway.StartAsync();
        async Task<Answer> ReadAsync(string token) => await gateway.GetAsync("/metrics", request => request.UseToken(token));

        Assert.Equal("403_FORBIDDEN", (await ReadAsync(await gateway.AddTokenAsync(TestGateway.Tenant, "read"))).Code);
        Assert.Equal("403_FORBIDDEN", (await ReadAsync(await gateway.AddTokenAsync("another", "*"))).Code);
        Assert.Equal("401_UNAUTHENTICATED", (await ReadAsync("none")).Code);
        Assert.Equal(HttpStatusCode.OK, (await ReadAsync(await gateway.AddTokenAsync(TestGateway.Tenant, "metrics"))).Status);
    }

    [Fact]
    public async Task OwnAddress_ShowsMetricsToAnybody_AndNothingElse()
    {
        await using var gateway = await GatewayProcess.StartAsync(new Dictionary<string, string> { ["LogLine__Metrics__Url"] = "http://127.0.0.1:0", ["Serilog__MinimumLevel__Override__Microsoft.Hosting"] = "Information" });
        const string Listens = "Now listening on: ";
        var own = new Uri(gateway.Lines.Last(line => line.Contains(Listens, StringComparison.Ordinal)).Split(Listens)[1]);
        using var anybody = new HttpClient { BaseAddress = own };

        Assert.NotEqual(gateway.Address.Port, own.Port);
        Assert.Contains("logline_ledger_tree_size", MetricFamily.Read(await anybody.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Keys);
        foreach (var path in new[] { "/healthz/live", "/v1/keys", "/v1/spans", "/", "/metrics/x" })
        {
            using var other = await anybody.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        }
        using var withoutToken = new HttpClient { BaseAddress = gateway.Address };
        Assert.Equal(HttpStatusCode.Unauthorized, (await withoutToken.GetAsync("/metrics", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await withoutToken.GetAsync("/healthz/live", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task SwitchedOff_SaysSo()
    {
        await using var gateway = await GatewayProcess.StartAsync(new Dictionary<string, string> { ["LogLine__Metrics__Enabled"] = "false" });
        using var answer = await gateway.Client.GetAsync("/metrics", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("LogLine:Metrics:Enabled", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
