using System.Text;

namespace LogLine.Cli.Tests.Client;

public sealed class RetryTests : IDisposable
{
    private readonly Terminal _terminal = new();

    [Theory]
    [InlineData(503, "503_BUSY")]
    [InlineData(429, "429_RATE_LIMITED")]
    public async Task BusyGateway_GetsTheSameRequestAgain(int status, string code)
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, earlier) =>
        {
            http.Response.Headers.RetryAfter = "1";
            return earlier < 2 ? FaultyGateway.Problem(http, code, "later") : FaultyGateway.Ack(http, received);
        });
        var said = (await SendAsync(gateway)).Expect(0);
        Assert.Equal(3, gateway.Writes.Count);
        var first = gateway.Writes[0];
        Assert.All(gateway.Writes, write =>
        {
            Assert.Equal(first.Body, write.Body);
            foreach (var header in (string[])["Idempotency-Key", "X-Nonce", "X-Timestamp", "X-Payload-Hash", "X-Signature"])
            {
                Assert.Equal(first.Headers[header], write.Headers[header]);
            }
        });
        Assert.Contains("2 of 4", said.Errors);
        Assert.InRange(status, 400, 599);
    }

    [Fact]
    public async Task GatewayThatStaysBusy_IsAskedFourTimes()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Problem(http, "503_BUSY", "the queue is full"));
        var said = (await SendAsync(gateway)).Expect(1);
        Assert.Equal(4, gateway.Writes.Count);
        Assert.Contains("503_BUSY", said.Errors);
        Assert.Contains("trace-9", said.Errors);
    }

    [Theory]
    [InlineData("409_IDEMPOTENCY_CONFLICT")]
    [InlineData("409_NONCE_REUSED")]
    [InlineData("409_LIFECYCLE_CONFLICT")]
    [InlineData("422_SIGNATURE_INVALID")]
    [InlineData("500_INTERNAL")]
    [InlineData("401_UNAUTHENTICATED")]
    public async Task Refusal_IsNeverSentAgain(string code)
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Problem(http, code, "no"));
        var said = (await SendAsync(gateway, "--json")).Expect(1);
        Assert.Single(gateway.Writes);
        var error = said.Json.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal("trace-9", error.GetProperty("trace_id").GetString());
        Assert.Equal(code, error.GetProperty("answer").GetProperty("code").GetString());
    }

    [Fact]
    public async Task BrokenConnection_IsTriedAgainWithTheSameKey()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, earlier) =>
        {
            if (earlier == 0)
            {
                http.Abort();
                return Task.CompletedTask;
            }
            return FaultyGateway.Ack(http, received);
        });
        (await SendAsync(gateway)).Expect(0);
        Assert.Equal(2, gateway.Writes.Count);
        Assert.Single(gateway.Writes.Select(write => write.Headers["Idempotency-Key"]).Distinct());
        Assert.Single(gateway.Writes.Select(write => Convert.ToHexString(write.Body)).Distinct());
    }

    [Fact]
    public async Task OldTimestamp_IsRenewedWithItsNonceAndNothingElse()
    {
        var time = new HurriedTime();
        _terminal.Time = time;
        await using var gateway = await FaultyGateway.StartAsync((http, received, earlier) =>
        {
            time.Advance(TimeSpan.FromSeconds(91));
            return earlier == 0 ? FaultyGateway.Problem(http, "503_BUSY", "later") : FaultyGateway.Ack(http, received);
        });
        (await SendAsync(gateway)).Expect(0);
        var (first, second) = (gateway.Writes[0], gateway.Writes[1]);
        Assert.NotEqual(first.Headers["X-Nonce"], second.Headers["X-Nonce"]);
        Assert.NotEqual(first.Headers["X-Timestamp"], second.Headers["X-Timestamp"]);
        Assert.Equal(first.Headers["Idempotency-Key"], second.Headers["Idempotency-Key"]);
        Assert.Equal(first.Body, second.Body);
    }

    [Fact]
    public async Task PauseOfMinutes_IsNotWaitedFor()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) =>
        {
            http.Response.Headers.RetryAfter = "600";
            return FaultyGateway.Problem(http, "429_RATE_LIMITED", "enough");
        });
        (await SendAsync(gateway)).Expect(1);
        Assert.Single(gateway.Writes);
    }

    [Fact]
    public async Task SomethingElseThanAGateway_IsCalledThat()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Json(http, "<html>Welcome to a proxy</html>", 502));
        var said = (await SendAsync(gateway)).Expect(1);
        Assert.Contains("not as a LogLine gateway does", said.Errors);
        Assert.Contains("502", said.Errors);
    }

    [Fact]
    public async Task NeedMore_TellsWhatIsMissing()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Json(http,
            """{"status":"need_more","code":"422_TDLN_INVALID","trace_id":"t-1","missing_fields":["payload.ref"],"why":{"payload.ref":"which"},"suggested_reply":"To complete this request, please provide:\n- payload.ref: which","partial_span":{}}""", 422));
        var said = (await SendAsync(gateway)).Expect(1);
        Assert.Contains("payload.ref", said.Errors);
        Assert.Contains("please provide", said.Errors);
    }

    [Fact]
    public async Task EscapeSequencesOfTheOtherSide_DoNotReachTheTerminal()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Problem(http, "404_NOT_FOUND", "gone\\u001b]0;owned\\u0007"));
        var said = await SendAsync(gateway);
        Assert.DoesNotContain('\e', said.Errors);
        Assert.DoesNotContain('\a', said.Errors);
    }

    [Fact]
    public async Task Token_IsInTheHeaderAndNowhereElse()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Problem(http, "401_UNAUTHENTICATED", "no"));
        var said = await SendAsync(gateway, "--json");
        Assert.Equal("ApiKey tok_secret_123", gateway.Writes[0].Headers["Authorization"]);
        Assert.DoesNotContain("tok_secret_123", said.Output + said.Errors + Encoding.UTF8.GetString(gateway.Writes[0].Body));
    }

    public void Dispose() => _terminal.Dispose();

    private Task<Spoken> SendAsync(FaultyGateway gateway, params string[] more)
    {
        gateway.Enrol(_terminal);
        var file = _terminal.Write("span.json", TestLog.Span().Root.GetRawText());
        return _terminal.RunAsync(["spans", "send", file, .. more]);
    }
}
