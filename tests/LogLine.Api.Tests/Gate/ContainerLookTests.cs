using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Gate;

/// <summary>
/// How often a container is looked at for one primitive: once by the gate, whatever it wants to know, and once by the worker right before it acts, unless nothing is changed, or the engine itself
/// judges in the act.
/// </summary>
public sealed class ContainerLookTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("container.exec", ""","argv":["true"]""", 0, 1), InlineData("container.logs", "", 0, 1), InlineData("container.stop", "", 0, 2)]
    [InlineData("container.exec", ""","argv":["true"]""", 20, 2), InlineData("container.logs", "", 20, 2)]
    public async Task Primitive_LooksAsOftenAsItMust(string intent, string members, int stepMs, int expected)
    {
        var looks = 0;
        static Task<PrimitiveResult> Nothing(PrimitiveCall call, CancellationToken cancel) => Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root));
        var fake = new FakeAdapter { Primitives = new Dictionary<string, Primitive> { [intent] = Nothing } };
        await using var gateway = await StartAsync(fake, stepMs);
        var made = await fake.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_earlier", Image = "x" }, Cancel);
        await fake.StartAsync(made.Id, Cancel);
        fake.Look = found =>
        {
            Interlocked.Increment(ref looks);
            return found;
        };

        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web"{{members}}} }""", request => request.Headers.Add("Prefer", "wait=30"));

        Assert.Equal("exited", answer.Json.Member("run").Text("state"));
        Assert.Equal(expected, looks);
        var said = (await gateway.PostAsync($$"""{"run_id":"{{answer.Json.Member("run").Text("run_id")}}"}""", path: "/v1/spans/query")).Json.Items("items");
        Assert.Equal([intent, "run_state.pending", "run_state.running", "run_state.exited"], said.Select(span => span.Text("intent")));
    }

    [Fact]
    public async Task WhatWasSeenAMomentAgo_IsWhatIsActedOn()
    {
        string? entered = null;
        var fake = new FakeAdapter
        {
            Primitives = new Dictionary<string, Primitive>
            {
                ["container.exec"] = (call, _) =>
                {
                    entered = call.Workload!.RunId;
                    return Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root));
                },
            },
        };
        await using var gateway = await StartAsync(fake, 0);
        var made = await fake.CreateAsync(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_after", Image = "x" }, Cancel);
        await fake.StartAsync(made.Id, Cancel);
        var looks = 0;
        fake.Look = found => ++looks == 1 ? found! with { RunId = "run_before" } : found;

        var answer = await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["true"]}}""", request => request.Headers.Add("Prefer", "wait=30"));

        // Not the one that took the name in between: of that one nobody has asked whether it holds secrets.
        Assert.Equal(("exited", "run_before"), (answer.Json.Member("run").Text("state"), entered));
    }

    /// <summary>A gateway whose worker takes runs from their commit on: one that comes before is leased later, and its container looked at anew.</summary>
    private static async Task<TestGateway> StartAsync(FakeAdapter fake, int stepMs)
    {
        var gateway = await TestGateway.StartAsync([fake], new SteppingClock(stepMs));
        var desk = gateway.Services.GetRequiredService<RunDesk>();
        await Patience.UntilAsync("the worker takes runs from their commit on", () => desk.Taker is not null);
        return gateway;
    }
}
