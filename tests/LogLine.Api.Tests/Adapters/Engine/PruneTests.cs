using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A plan is carried out: what nothing uses goes for the digest that named it, of every kind, and nothing else does.</summary>
public sealed class PruneTests
{
    private const string All = "\"what\":[\"containers\",\"networks\",\"volumes\",\"images\"]";

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task WhatNothingUses_Goes_AndTheRestStays(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        await using var other = EngineLab.Open(provider);
        var theirs = await EndedAsync(other, other.Spec("/bin/true"));
        foreach (var name in new[] { "used", "free" })
        {
            await lab.DoAsync("volume.create", name: name);
            await lab.DoAsync("network.create", name: name);
            await lab.CommitAsync(theirs, $"localhost/{lab.Tenant}/{name}", "1");
        }
        await lab.StartedAsync(Using(lab, "web", "used", "/bin/sleep", "600"));
        await lab.DoAsync("network.connect", """{"container":"web"}""", "used");
        // What ends holds nothing back.
        var ended = await EndedAsync(lab, Using(lab, "ended", "free", "/bin/true"));

        var onlyContainers = await lab.DoAsync("system.prune");
        var plan = await lab.DoAsync("system.prune", $"{{{All}}}");
        Assert.Equal(["container ended"], Named(onlyContainers, "plan"));
        Assert.Equal(["container ended", $"image localhost/{lab.Tenant}/free:1", "network free", "volume free"], Named(plan, "plan"));
        Assert.NotNull(await lab.Client.InspectAsync(ended, EngineLab.Cancel));
        await EngineLab.RefusedAsync(AdapterFailure.Conflict, () => lab.DoAsync("system.prune", $$"""{{{All}},"plan_digest":"{{onlyContainers.Text("plan_digest")}}"}"""));

        var pruned = await lab.DoAsync("system.prune", $$"""{{{All}},"plan_digest":"{{plan.Text("plan_digest")}}"}""");

        Assert.True(pruned.Flag("applied"));
        Assert.Equal(Named(plan, "plan"), Named(pruned, "removed"));
        Assert.Empty(pruned.Items("failed"));
        Assert.Equal(("web", "used", "used"), (Only(await lab.DoAsync("container.list"), "containers"), Only(await lab.DoAsync("network.list"), "networks"), Only(await lab.DoAsync("volume.list"), "volumes")));
        Assert.Equal([$"localhost/{lab.Tenant}/used:1"], Own(await lab.DoAsync("image.list")));
        Assert.NotNull(await other.Client.InspectAsync(theirs, EngineLab.Cancel));

        // Nothing is used any more: all of it goes.
        await lab.DoAsync("container.kill", name: "web");
        var rest = await lab.DoAsync("system.prune", $"{{{All}}}");
        Assert.Equal(4, (await lab.DoAsync("system.prune", $$"""{{{All}},"plan_digest":"{{rest.Text("plan_digest")}}"}""")).Items("removed").Count());
        Assert.Empty(Own(await lab.DoAsync("image.list")));

        string[] Own(JsonElement images) => [.. images.Items("images").SelectMany(image => image.Texts("references")).Where(reference => reference.Contains($"/{lab.Tenant}/", StringComparison.Ordinal))];
    }

    private static WorkloadSpec Using(EngineLab lab, string name, string volume, params string[] argv) => lab.Spec(argv) with
    {
        Name = name, Image = $"localhost/{lab.Tenant}/{volume}:1", Mounts = [new(MountKind.Volume, volume, "/data", false)],
    };

    private static async Task<string> EndedAsync(EngineLab lab, WorkloadSpec spec)
    {
        var started = await lab.StartedAsync(spec);
        await lab.Adapter.WaitAsync(started.Id, EngineLab.Cancel);
        return started.Id;
    }

    private static string[] Named(JsonElement removal, string list) => [.. removal.Items(list).Select(one => $"{one.Text("kind")} {one.Text("name")}")];

    private static string? Only(JsonElement result, string list) => Assert.Single(result.Items(list)).Text("name");
}
