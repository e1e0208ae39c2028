using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery;

/// <summary>A gateway that is told to stop: it says so, serves on for a while, and ends its streams in good order.</summary>
public sealed class DrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ToldToStop_IsNotReady_ServesOn_AndEndsStreamsInGoodOrder()
    {
        await using var gateway = await GatewayProcess.StartAsync(new Dictionary<string, string> { ["LogLine__DrainSeconds"] = "20" });
        using var stream = await gateway.Client.GetAsync("/v1/stream?after=0", HttpCompletionOption.ResponseHeadersRead, Cancel);
        var body = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancel)).ReadToEndAsync(Cancel);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync("/healthz/ready", Cancel)).StatusCode);

        gateway.Signal("TERM");
        var ready = await UntilNotReadyAsync(gateway);
        var late = await gateway.PostAsync(GatewayActs.Person("late"));

        Assert.Equal("draining", ready.Json.Text("status"));
        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync("/healthz/live", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, late.Status);
        Assert.StartsWith("retry:", await body, StringComparison.Ordinal); // whole: an answer that is cut off throws
        Assert.Equal(0, await gateway.EndAsync());
    }

    [Fact]
    public async Task WithoutADrain_StopsAtOnce()
    {
        await using var gateway = await GatewayProcess.StartAsync();
        using var stream = await gateway.Client.GetAsync("/v1/stream?after=0", HttpCompletionOption.ResponseHeadersRead, Cancel);
        var body = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancel)).ReadToEndAsync(Cancel);

        gateway.Signal("TERM");

        Assert.StartsWith("retry:", await body, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.EndAsync());
    }

    private static Task<Answer> UntilNotReadyAsync(GatewayProcess gateway) => Patience.UntilThereAsync("a gateway that is not ready", async () =>
    {
        using var answer = await gateway.Client.GetAsync("/healthz/ready", Cancel);
        return answer.StatusCode == HttpStatusCode.ServiceUnavailable ? await Answer.ReadAsync(answer) : null;
    });
}
