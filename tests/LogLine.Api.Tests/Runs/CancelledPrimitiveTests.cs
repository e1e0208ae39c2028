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
        static async Task<PrimitiveResult> Pull(PrimitiveCall call, CancellationToken cancel)
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
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["image.pull"] = Pull } }]);

        var run = (await gateway.PostAsync("""{"intent":"image.pull","subject":"urn:image:dev","payload":{"target":{"provider":"fake"},"image":"localhost/x:1"}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        var asked = await gateway.PostAsync($$$"""{"intent":"run.cancel","subject":"urn:image:dev","payload":{"run_id":"{{{run}}}"}}""");
        var ended = await gateway.RunInAsync(run, "exited", "failed", "cancelled");

        Assert.True(asked.Status == System.Net.HttpStatusCode.OK, asked.Body);
        Assert.Equal(("cancelled", "cancelled"), (ended.Text("state"), ended.Text("reason")));
    }
}
