using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Containers that carry some of our labels and were made by somebody else, by hand or of an image that has them: they are not ours, and break nothing.</summary>
public sealed class PartlyLabelledTests
{
    [Theory]
    [InlineData("podman", "session"), InlineData("docker", "session"), InlineData("nerdctl", "session")]
    [InlineData("podman", "task"), InlineData("docker", "task"), InlineData("nerdctl", "task")]
    public async Task GroupEnds_AndLeavesWhatIsNotOurs(string provider, string kind)
    {
        await using var lab = EngineLab.Open(provider);
        var (others, spec) = (await OthersAsync(lab, kind), lab.Spec("/bin/sleep", "600"));
        await lab.StartedAsync(spec with { Strategy = kind, SessionId = kind == "session" ? "s" : null, TaskId = kind == "task" ? "s" : null });

        var listed = await lab.DoAsync("container.list", $$"""{"{{kind}}_id":"s"}""");
        var group = Assert.Single((await lab.DoAsync(kind + ".list")).Items("groups"));
        var (info, metrics) = (await lab.DoAsync("system.info"), await lab.DoAsync("system.metrics"));
        var (orphans, unused) = (await lab.DoAsync("cleanup.plan"), await lab.DoAsync("system.prune"));
        var ended = await lab.DoAsync(kind + ".end");

        Assert.Equal(["web"], listed.Items("containers").Select(item => item.Text("name")));
        Assert.Equal(["web"], group.Texts("containers"));
        Assert.Equal((1, 1), (info.Integer("containers"), info.Integer("containers_running")));
        Assert.Equal((0, 1), (metrics.Member("containers").Integer("created"), metrics.Member("containers").Integer("running")));
        Assert.Equal(["web"], orphans.Items("plan").Select(one => one.Text("name"))); // every group has ended here
        Assert.Empty(unused.Items("plan"));
        Assert.Equal(["web"], ended.Texts("removed"));
        Assert.Empty(ended.Texts("kept"));
        foreach (var other in others)
            Assert.NotNull(await lab.Client.InspectAsync(other, EngineLab.Cancel));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task WhatHappensToThem_IsNoEventOfTheTenants(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        await OthersAsync(lab, "session");
        await lab.Adapter.CreateAsync(lab.Spec(), EngineLab.Cancel);

        var events = (await lab.DoAsync("system.events")).Items("events").ToList();

        Assert.NotEmpty(events);
        Assert.All(events, one => Assert.Equal("web", one.Text("name")));
    }

    static async Task<IReadOnlyList<string>> OthersAsync(EngineLab lab, string kind)
    {
        Dictionary<string, string> some = new() { [EngineLabels.Tenant] = lab.Tenant, [$"logline.{kind}_id"] = "s", [EngineLabels.Strategy] = kind };
        return
        [
            await lab.ForeignAsync($"nameless-{lab.Tenant}", some),
            await lab.ForeignAsync($"emptied-{lab.Tenant}", new(some) { [EngineLabels.Name] = "", [EngineLabels.RunId] = "" }),
            await lab.ForeignAsync($"runless-{lab.Tenant}", new(some) { [EngineLabels.Name] = "other" }),
        ];
    }
}
