using System.Net;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>Who follows a command: so many as may, and nobody for longer than it lasts.</summary>
public sealed class CommandReadersTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MoreThanMayFollowACommand_AreToldSo_AndAPlaceThatIsLeftIsFree()
    {
        const int Most = 16;
        var goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel)
        {
            await call.Begun();
            call.Said(1, "begun\n"u8.ToArray());
            await goesOn.Task.WaitAsync(cancel);
            return new PrimitiveResult(CanonicalJson.Parse("""{"stdout":"begun\n","stderr":"","exit_code":0}"""u8).Root);
        }
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = Exec } }])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        var run = (await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["x"]}}""")).RunId();
        await gateway.RunInAsync(run, "running");
        var follow = $"/v1/runs/{run}/logs?follow=true";
        var readers = new List<HttpResponseMessage>();
        for (var count = 0; count < Most; count++)
        {
            readers.Add(await FollowAsync());
            Assert.Equal((count, HttpStatusCode.OK), (count, readers[^1].StatusCode));
        }

        var refused = await gateway.GetAsync(follow);
        Assert.Equal("503_BUSY", refused.Code);
        Assert.Contains("16 readers follow this command already", refused.Json.Text("detail"));
        await Patience.UntilAsync("what it has said", async () => (await gateway.GetAsync($"/v1/runs/{run}/logs")).Body == """{"lines":["begun"],"dropped":0}""");
        readers[0].Dispose();
        readers.RemoveAt(0);
        readers.Add(await Patience.UntilThereAsync("a free place", async () => await FollowAsync() is { IsSuccessStatusCode: true } next ? next : null));
        goesOn.SetResult();

        foreach (var reader in readers)
        {
            using (reader)
            {
                var read = await reader.Content.ReadAsStringAsync(Cancel);
                Assert.Contains("\"line\":\"begun\"", read);
                Assert.Contains("event: end", read);
            }
        }

        Task<HttpResponseMessage> FollowAsync() => gateway.Client.GetAsync(follow, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }
}
