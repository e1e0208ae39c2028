using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>A primitive that is cancelled and cannot clean up behind itself has been cancelled, and not failed.</summary>
public sealed class CancelledPrimitiveTests
{
    [Fact]
    public async Task WorkThatFailsWhileItIsBrokenOff_IsCancelled()
    {
        static async Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            catch (OperationCanceledException)
            {
                throw new AdapterException(AdapterFailure.Unavailable, "what was begun cannot be taken back: the engine is away");
            }
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        }
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = Exec } }])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));

        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        var asked = await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:container:dev/web","payload":{"run_id":"{{{run}}}"}}""");
        Assert.True(asked.Status == System.Net.HttpStatusCode.OK, asked.Body);
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.Equal(("cancelled", "cancelled"), (ended.Text("state"), ended.Text("reason")));
    }
}
