using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace LogLine.Cli.Tests.Client;

public sealed class EventStreamTests : IDisposable
{
    private const string Run = "run_abc";

    private readonly Terminal _terminal = new();

    [Fact]
    public async Task CutStream_IsResumedBehindTheLastEvent()
    {
        await using var gateway = await FaultyGateway.StartAsync(async (http, received, earlier) =>
        {
            if (received.Target.StartsWith("/v1/runs/", StringComparison.Ordinal))
            {
                await RunDocument(http, "exited");
                return;
            }
            await (earlier switch
            {
                0 => Stream(http, cut: true, (5, "deploy.planned"), (7, "run_state.pending")),
                1 => FaultyGateway.Problem(http, "503_BUSY", "restarting"),
                // What was seen already comes again: not believed.
                _ => Stream(http, cut: false, (7, "run_state.pending"), (9, "run_state.running"), (12, "run_state.exited")),
            });
        });
        var said = (await WatchAsync(gateway, "--json", "--after", "4")).Expect(0);
        Assert.Equal([5, 7, 9, 12], said.Lines.Where(line => line.GetProperty("event").GetString() == "span").Select(line => line.GetProperty("seq").GetInt32()));
        Assert.Equal("result", said.Lines[^1].GetProperty("event").GetString());
        Assert.Equal(["4", "7", "7"], gateway.Requests.Where(request => request.Target.StartsWith("/v1/stream", StringComparison.Ordinal)).Select(request => request.Headers["Last-Event-ID"]));
    }

    [Fact]
    public async Task RefusedStream_EndsWithTheRefusal()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => FaultyGateway.Problem(http, "403_FORBIDDEN", "not yours"));
        var said = (await WatchAsync(gateway)).Expect(1);
        Assert.Contains("403_FORBIDDEN", said.Errors);
        Assert.Single(gateway.Requests);
    }

    [Theory]
    [InlineData("closed at once")]
    [InlineData("nonsense")]
    [InlineData("busy")]
    public async Task GatewayThatBringsNothing_IsGivenUpAfterMinutes(string how)
    {
        await using var gateway = await FaultyGateway.StartAsync(async (http, _, _) =>
        {
            if (how == "busy")
            {
                await FaultyGateway.Problem(http, "503_BUSY", "later");
                return;
            }
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync(how == "nonsense" ? "id: 1\nevent: span\ndata: {\n\n" : "retry: 10\n\n");
        });
        Assert.Contains("[network]", (await WatchAsync(gateway)).Expect(1).Errors);
        Assert.InRange(gateway.Requests.Count, 10, 2000);
    }

    [Fact]
    public async Task FailedRun_ExitsWithOneAndShowsTheLog()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => received.Target.StartsWith("/v1/runs/", StringComparison.Ordinal)
            ? RunDocument(http, "failed", ",\"error\":\"image not found\",\"reason\":\"create\",\"exit_code\":127,\"log_tail\":[\"line one\",\"li\\u001bne two\"]")
            : Stream(http, cut: false, (1, "deploy.planned"), (2, "run_state.failed")));
        var said = (await WatchAsync(gateway)).Expect(1);
        Assert.Contains("image not found", said.Errors);
        Assert.Contains("exit code 127", said.Errors);
        Assert.Contains("| line one", said.Errors);
        Assert.DoesNotContain('\e', said.Errors);
    }

    [Fact]
    public async Task RevokedGrant_IsShownWhileTheRunHoldsIt()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, _) => RunDocument(http, "running", ",\"revoked_grants\":[\"db\"]"));
        gateway.Enrol(_terminal);
        Assert.Contains("still holds the revoked grant db", (await _terminal.RunAsync("status", Run)).Expect(0).Output);
    }

    [Fact]
    public async Task Gap_IsToldAndTheRestIsShown()
    {
        await using var gateway = await FaultyGateway.StartAsync(async (http, received, _) =>
        {
            if (received.Target.StartsWith("/v1/runs/", StringComparison.Ordinal))
            {
                await RunDocument(http, "exited");
                return;
            }
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("retry: 10\n\nevent: gap\ndata: {\"from\":1,\"to\":4}\n\n: replay from 5\n\n" + Event(5, "run_state.exited"));
        });
        var said = (await WatchAsync(gateway)).Expect(0);
        Assert.Contains("no longer keeps", said.Errors);
        Assert.Contains("run_state.exited", said.Output);
    }

    [Fact]
    public async Task CtrlC_SaysHowToGoOn()
    {
        using var stop = new CancellationTokenSource();
        await using var gateway = await FaultyGateway.StartAsync(async (http, _, _) =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync(Event(41, "minicontainer.apply"));
            await http.Response.Body.FlushAsync();
            await stop.CancelAsync();
        });
        gateway.Enrol(_terminal);
        var said = (await _terminal.RunAsync("", ["status", "urn:minicontainer:dev/web", "--watch"], stop.Token)).Expect(130);
        Assert.Contains("logline status urn:minicontainer:dev/web --watch --after ", said.Errors);
    }

    [Fact]
    public async Task Polling_ShowsEachStateOnce()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, _, earlier) => RunDocument(http, (string)(new[] { "pending", "pending", "running", "exited" }[Math.Min(earlier, 3)])));
        var said = (await WatchAsync(gateway, "--no-stream", "--json")).Expect(0);
        Assert.Equal(["pending", "running", "exited", "exited"], said.Lines.Select(line => line.GetProperty("run").GetProperty("state").GetString()));
        Assert.Equal(["run", "run", "run", "result"], said.Lines.Select(line => line.GetProperty("event").GetString()));
    }

    public void Dispose() => _terminal.Dispose();

    private Task<Spoken> WatchAsync(FaultyGateway gateway, params string[] more)
    {
        gateway.Enrol(_terminal);
        return _terminal.RunAsync(["status", Run, "--watch", .. more]);
    }

    private static Task RunDocument(HttpContext http, string state, string more = "") =>
        FaultyGateway.Json(http, $$"""{"run_id":"{{Run}}","state":"{{state}}","intent":"deploy.apply","subject":"urn:minicontainer:dev/web"{{more}}}""");

    private static async Task Stream(HttpContext http, bool cut, params (long Seq, string Intent)[] events)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync("retry: 10\n\n: replay\n\n");
        foreach (var (seq, intent) in events)
        {
            await http.Response.WriteAsync(Event(seq, intent));
        }
        await http.Response.Body.FlushAsync();
        if (cut)
        {
            // Half an event, and the end.
            await http.Response.WriteAsync("id: 8\nevent: span\nda");
        }
    }

    private static string Event(long seq, string intent) =>
        $"id: {seq.ToString(CultureInfo.InvariantCulture)}\nevent: span\ndata: {{\"intent\":\"{intent}\",\"ts\":\"2025-11-17T13:37:00.000Z\",\"payload\":{{\"run_id\":\"{Run}\"}}}}\n\n";
}
