using System.Diagnostics;
using System.Text.Json;
using System.Net;
using System.Net.Sockets;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>What the gateway logs: JSON lines with trace ids when asked for, and never a secret or a payload, however much is logged.</summary>
public sealed class LogTests
{
    [Fact]
    public async Task EverythingLogged_IsJson_HasTheTrace_AndNoSecretOrPayload()
    {
        await using var gateway = await GatewayProcess.StartAsync(new Dictionary<string, string>
        {
            ["LogLine__Logs__Format"] = "json", ["Serilog__MinimumLevel__Default"] = "Verbose", ["Serilog__MinimumLevel__Override__Microsoft.AspNetCore"] = "Verbose",
        });
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        void Traced(HttpRequestMessage request) => request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom().ToHexString()}-00");
        string[] hidden = [gateway.ApiKey, "a-payload-that-nobody-may-see", "an-idempotency-key-of-a-client", "a-nonce-of-a-client-0001"];

        var accepted = await gateway.PostAsync(TestGateway.Json(new { intent = "registry.person.create", subject = "urn:registry:person/joana", payload = new { name = hidden[1], email = "j@example.com", country = "PT", consent = true } }), request =>
        {
            Traced(request);
            request.Headers.Add("Idempotency-Key", hidden[2]);
            request.Set("X-Nonce", hidden[3]);
        });
        var refused = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":"MARK"}}""".Replace("MARK", hidden[1], StringComparison.Ordinal));
        var malformed = await gateway.PostAsync(hidden[1] + "{");
        var made = await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens");
        var ticket = await gateway.PostAsync("""{"origin":"https://app.example.com"}""", path: "/v1/stream/tickets");
        using (await gateway.Client.GetAsync("/v1/stream?ticket=" + ticket.Json.Text("ticket"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
        }
        gateway.Signal("TERM");
        Assert.Equal(0, await gateway.EndAsync());

        var lines = gateway.Lines;
        var events = lines.Select(line => JsonElement.Parse(line)).ToList();
        Assert.Equal([200, 422, 400, 201, 200], new[] { accepted, refused, malformed, made, ticket }.Select(answer => (int)answer.Status));
        Assert.All(events, one => Assert.True(DateTimeOffset.TryParse(one.Text("@t"), out _) && one.Text("@m") is not null));
        Assert.Contains(events, one => one.Text("@tr") == trace);
        Assert.Contains(events, one => one.Text("@tr") == refused.Json.Text("trace_id"));
        var said = string.Join('\n', lines);
        Assert.All([.. hidden, made.Json.Text("api_key")!, ticket.Json.Text("ticket")!], secret => Assert.DoesNotContain(secret, said, StringComparison.Ordinal));
        Assert.Contains("ticket=…", said.Replace("\\u2026", "…"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownFormat_IsSaid()
    {
        var defect = await Assert.ThrowsAsync<InvalidOperationException>(() => GatewayProcess.StartAsync(new Dictionary<string, string> { ["LogLine__Logs__Format"] = "xml" }));

        Assert.Contains("LogLine:Logs:Format is 'xml'; there are text and json.", defect.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortThatIsTaken_IsSaidInOneLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var defect = await Assert.ThrowsAsync<InvalidOperationException>(() => GatewayProcess.StartAsync(url: $"http://{taken.LocalEndpoint}"));

        Assert.Contains("logline-api: Failed to bind to address", defect.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ERR", defect.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", defect.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientThatBreaksOff_IsNoDefect()
    {
        await using var gateway = await GatewayProcess.StartAsync();
        string[] heads =
        [
            "POST /v1/spans HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nAuthorization: ApiKey {0}\r\n\r\n{{\"intent\":",
            $"PUT /v1/artifacts/blake3:{new string('0', 64)} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nAuthorization: ApiKey {{0}}\r\n\r\nthe beginning",
            "GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: ApiKey {0}\r\n\r\n",
            "GET /v1/ledger/export HTTP/1.1\r\nHost: x\r\nAuthorization: ApiKey {0}\r\n\r\n",
        ];
        foreach (var head in heads.SelectMany(head => Enumerable.Repeat(head, 8)))
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, TestContext.Current.CancellationToken);
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(string.Format(head, gateway.ApiKey)), TestContext.Current.CancellationToken);
            if (head.StartsWith("GET", StringComparison.Ordinal))
            {
                Assert.NotEqual(0, await socket.ReceiveAsync(new byte[100], TestContext.Current.CancellationToken));
            }
            else
            {
                Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person())).Status); // the gateway has had time to read what there is
            }
            socket.LingerState = new LingerOption(true, 0); // a reset, not a farewell
        }
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person())).Status);
        gateway.Signal("TERM");
        Assert.Equal(0, await gateway.EndAsync());
        Assert.DoesNotContain(gateway.Lines, line => line.Contains(" ERR ", StringComparison.Ordinal) || line.StartsWith("   at ", StringComparison.Ordinal));
    }
}
