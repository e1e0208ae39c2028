using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>What a command said is in its run when it has ended: its logs are shown from there, when its container, and whoever could look for that, is gone.</summary>
public sealed class KeptOutputTests
{
    private const string Order = """{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["env"]}}""";

    [Fact]
    public async Task CommandThatHasEnded_ItsContainerIsGone_ItsOutputIsShown()
    {
        static Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel) =>
            Task.FromResult(new PrimitiveResult(CanonicalJson.Parse("""{"exit_code":3,"stderr":"four\n","stdout":"one\ntwo\nthree"}""").Root, 3));
        var target = Target(Exec);
        await using var gateway = await OpenAsync(target);
        var run = (await gateway.PostAsync(Order)).RunId();
        await gateway.RunInAsync(run, "exited");
        await GoneAsync(target);

        var all = await gateway.GetAsync($"/v1/runs/{run}/logs");
        var last = await gateway.GetAsync($"/v1/runs/{run}/logs?tail=1&grep=t");
        var followed = (await gateway.GetAsync($"/v1/runs/{run}/logs?follow=true&tail=2")).Body.Split('\n').Where(line => line.Length > 0 && line[0] != ':');

        var matching = (await gateway.GetAsync($"/v1/runs/{run}/logs?follow=true&tail=1&grep=t")).Body.Split('\n').Where(line => line.StartsWith("data:", StringComparison.Ordinal));

        Assert.Equal(["one", "two", "three", "four"], all.Json.Texts("lines"));
        Assert.Equal(0, all.Json.Integer("dropped"));
        Assert.Equal("""{"lines":["three"],"dropped":1}""", last.Body);
        Assert.Equal(
            ["event: dropped", """data: {"lines":2}""", "event: log", """data: {"source":"stdout","line":"three"}""", "event: log", """data: {"source":"stderr","line":"four"}""", "event: end", "data: {}"], followed);
        Assert.Equal(["""data: {"lines":1}""", """data: {"source":"stdout","line":"three"}""", "data: {}"], matching);
    }

    /// <summary>Where nothing was kept, the refusal says so, and what to do.</summary>
    [Fact]
    public async Task CommandWithoutAResult_ItsContainerIsGone_IsSaidToHaveNone()
    {
        static Task<PrimitiveResult> Exec(PrimitiveCall call, CancellationToken cancel) => throw new AdapterException(AdapterFailure.Refused, "no");
        var target = Target(Exec);
        await using var gateway = await OpenAsync(target);
        var run = (await gateway.PostAsync(Order)).RunId();
        await gateway.RunInAsync(run, "failed");
        await GoneAsync(target);

        var answer = await gateway.GetAsync($"/v1/runs/{run}/logs");

        Assert.Equal("404_NOT_FOUND", answer.Code);
        Assert.Contains("its command has no result ('failed', refused_by_engine)", answer.Body, StringComparison.Ordinal);
    }

    private static FakeAdapter Target(Primitive exec) => new() { Primitives = new Dictionary<string, Primitive> { ["container.exec"] = exec } };

    private static async Task<TestGateway> OpenAsync(FakeAdapter target)
    {
        var gateway = await (await TestGateway.StartAsync([target])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web"));
        return gateway;
    }

    private static async Task GoneAsync(FakeAdapter target)
    {
        var container = await target.FindByNameAsync("dev", "web", TestContext.Current.CancellationToken);
        await target.RemoveAsync(container!.Id, force: true, TestContext.Current.CancellationToken);
    }
}
