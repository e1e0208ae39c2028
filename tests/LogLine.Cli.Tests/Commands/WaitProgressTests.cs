using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Http;

namespace LogLine.Cli.Tests.Commands;

/// <summary>What is said of a run while its end is waited for: on standard error alone, in one place at a terminal, in a few lines elsewhere.</summary>
public sealed class WaitProgressTests : IDisposable
{
    private const string Ref = "mc:dev/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Pull = "image pull --image x";
    private const string Last = "run_abc  4.0 of 4.0 MiB (100 %)";

    private readonly Terminal _terminal = new();

    [Theory]
    [InlineData(Pull)]
    [InlineData("image push --image x --to y")]
    [InlineData($"deploy up --ref {Ref} --target podman:svc=web --wait 30")]
    [InlineData("deploy stop web --target podman --wait 30")]
    public async Task AtATerminal_ItIsShownInOnePlace_WhichIsEmptyAgain(string command)
    {
        await using var gateway = await StartAsync(Last);
        (_terminal.IsTerminal, _terminal["NO_COLOR"]) = (true, "1");

        var said = (await RunAsync(command)).Expect(0);

        Assert.Contains("\rrun_abc  running\e[K", said.Errors, StringComparison.Ordinal);
        Assert.Contains("\rrun_abc  1.0 of 4.0 MiB (25 %)\e[K\rrun_abc  1.5 of 4.0 MiB (37 %)\e[K", said.Errors, StringComparison.Ordinal);
        Assert.EndsWith($"\r{Last}\e[K\r\e[K", said.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2m", said.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("MiB", said.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Elsewhere_ALineIsSaidForEachQuarter_AndTheResultIsClean(bool isDumb)
    {
        await using var gateway = await StartAsync(Last);
        (_terminal.IsTerminal, _terminal["TERM"]) = (isDumb, isDumb ? "dumb" : "xterm");

        var said = (await RunAsync(Pull + " --json")).Expect(0);

        Assert.Equal($"run_abc  1.0 of 4.0 MiB (25 %)\n{Last}\n", said.Errors);
        Assert.Equal("run_abc", said.Json.Text("run_id"));
    }

    [Fact]
    public async Task BuildShowsItsLastLine_InAsMuchAsALineHolds()
    {
        await using var gateway = await StartAsync("make -j4", "data: {\"source\":\"stdout\",\"line\":\"RUN\\tmake -j4 \\u001b[31m" + new string('x', 100) + "\"}");
        _terminal.IsTerminal = true;

        var said = (await RunAsync("image build --artifact blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --tag a:1")).Expect(0);

        Assert.All(said.Errors.Split('\r'), drawn => Assert.True(drawn.Replace("\e[K", "", StringComparison.Ordinal).Length <= 79, drawn));
        Assert.DoesNotContain("\e[31m", said.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CtrlC_SaysWhereTheRunIs()
    {
        using var stop = new CancellationTokenSource();
        await using var gateway = await StartAsync("never said");
        _terminal.Heard = text =>
        {
            if (text.Contains(Last, StringComparison.Ordinal))
            {
                _ = stop.CancelAsync();
            }
        };

        var said = (await _terminal.RunAsync("", Pull.Split(' '), stop.Token)).Expect(130);

        Assert.EndsWith("Stopped waiting; the run goes on.\n  → logline status run_abc --watch\n", said.Errors);
    }

    [Fact]
    public async Task GatewayThatShowsNoRuns_IsWaitedForAllTheSame()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) =>
            received.Method == HttpMethods.Post ? FaultyGateway.Ack(http, received, Run("exited"))
            : received.Target.StartsWith("/v1/runs/", StringComparison.Ordinal) ? FaultyGateway.Json(http, Ended)
            : FaultyGateway.Problem(http, "403_FORBIDDEN", "no"));
        gateway.Enrol(_terminal);
        _terminal["LOGLINE_TARGET"] = "podman";

        Assert.Empty((await RunAsync(Pull)).Expect(0).Errors);
    }

    [Fact]
    public async Task WatchedRun_SaysItInItsLines()
    {
        await using var gateway = await StartAsync("never said", ends: true);

        var said = (await RunAsync("status run_abc --watch")).Expect(0);

        Assert.Matches(@"run\.progress +1\.0 of 4\.0 MiB \(25 %\)\n", said.Output);
        Assert.Contains("step 3 of 7", said.Output, StringComparison.Ordinal);
        Assert.Contains("2 layers", said.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _terminal.Dispose();

    private const string Ended = """{"run_id":"run_abc","state":"exited","exit_code":0,"result":{"image":"x"}}""";

    private Task<Spoken> RunAsync(string command) => _terminal.RunAsync(command.Split(' '));

    private static Action<System.Text.Json.Utf8JsonWriter> Run(string state) => json =>
    {
        json.WriteStartObject("run");
        json.WriteString("run_id", "run_abc");
        json.WriteString("state", state);
        json.WriteEndObject();
    };

    /// <summary>Takes a span, says meanwhile how far its run is, and answers once <paramref name="awaited"/> is on standard error.</summary>
    private async Task<FaultyGateway> StartAsync(string awaited, string line = "", bool ends = false)
    {
        var (taken, heard) = (new TaskCompletionSource<string>(), new TaskCompletionSource());
        _terminal.Heard = text =>
        {
            if (text.Contains(awaited, StringComparison.Ordinal))
            {
                heard.TrySetResult();
            }
        };
        string[] events =
        [
            Span("run_state.running", "{}"), Progress(1 << 20, 4 << 20), Progress(3 << 19, 4 << 20), Span("run.progress", """{"done":3,"total":7,"unit":"steps"}"""), Span("run.progress", """{"done":2,"unit":"steps"}"""), Progress(4 << 20, 4 << 20),
            .. ends ? (string[])[Span("run_state.exited", "{}")] : [],
        ];
        var gateway = await FaultyGateway.StartAsync(async (http, received, _) =>
        {
            switch (received.Target.Split('?')[0])
            {
                case "/v1/spans":
                    taken.TrySetResult(received.Span.This!);
                    await heard.Task.WaitAsync(http.RequestAborted);
                    await FaultyGateway.Ack(http, received, Run("exited"));
                    break;
                case "/v1/runs":
                    await FaultyGateway.Json(http, $$"""{"items":[{"run_id":"run_other","span":"urn:span:other"},{"run_id":"run_abc","span":"{{await taken.Task}}"}]}""");
                    break;
                case "/v1/runs/run_abc":
                    await FaultyGateway.Json(http, Ended);
                    break;
                case "/v1/stream":
                    await EventsAsync(http, events.Select((data, i) => $"id: {i + 1}\nevent: span\ndata: {data}"));
                    break;
                default:
                    await EventsAsync(http, ["event: log\n" + line]);
                    break;
            }
        });
        gateway.Enrol(_terminal);
        _terminal["LOGLINE_TARGET"] = "podman";
        return gateway;
    }

    private static string Progress(int done, int total) => Span("run.progress", $$"""{"done":{{done}},"total":{{total}},"unit":"bytes"}""");

    private static string Span(string intent, string payload) => $$"""{"intent":"{{intent}}","ts":"2026-11-22T12:00:00Z","payload":{{payload}}}""";

    private static async Task EventsAsync(HttpContext http, IEnumerable<string> events)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync(string.Concat(events.Select(one => one + "\n\n")));
        await http.Response.Body.FlushAsync();
        await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    }
}
