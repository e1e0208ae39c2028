using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Networks of containers that do not run, also of such as are not there any more: what an engine holds a container to, its client can change.</summary>
public sealed class StoppedNetworkTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ContainerThatDoesNotRun_IsConnected_AndDisconnected(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (network, name) = (lab.Name("net"), lab.Name());
        var container = $$"""{"container":"{{name}}"}""";
        await lab.DoAsync("network.create", network);
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");

        var created = await lab.DoAsync("network.connect", network, container);
        Assert.Equal((name, null), (created.Items("containers").Single().Text("name"), created.Items("containers").Single().Text("address")));
        await lab.DoAsync("container.start", name);
        Assert.NotNull(await AddressAsync(lab, network));
        await lab.DoAsync("container.pause", name);
        await AssertPausedAsync(lab, "network.disconnect", network, container);
        await lab.DoAsync("container.unpause", name);
        await lab.DoAsync("container.kill", name);

        Assert.Empty((await lab.DoAsync("network.disconnect", network, container)).Items("containers"));
        Assert.Equal("lifecycle_conflict", (await FailureAsync(lab, "network.disconnect", network, container)).Reason);
        await lab.DoAsync("container.start", name);
        Assert.DoesNotContain(network, (await lab.DoAsync("container.inspect", name)).Texts("networks"));
        await lab.DoAsync("container.pause", name);
        await AssertPausedAsync(lab, "network.connect", network, container);
        await lab.DoAsync("container.kill", name);
        await lab.DoAsync("network.connect", network, container);
        await lab.DoAsync("container.start", name);
        Assert.NotNull(await AddressAsync(lab, network));

        await lab.DoAsync("container.remove", name, """{"force":true}""");
        await lab.DoAsync("network.remove", network);
    }

    [Theory]
    [InlineData("podman", true), InlineData("docker", true), InlineData("nerdctl", true)]
    [InlineData("podman", false), InlineData("docker", false), InlineData("nerdctl", false)]
    public async Task NetworkRemovedBehindItsBack_IsNamed_AndLeft(string provider, bool hasRun)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (network, name) = await AbandonedAsync(lab, hasRun);
        var told = $"The container '{name}' cannot be started: it is in the network '{network}', which is not there any more. Take it out of it (network.disconnect), or make the network again (network.create).";

        Assert.Equal(("lifecycle_conflict", told), await FailureAsync(lab, "container.start", name));
        if (hasRun)
        {
            Assert.Equal(("lifecycle_conflict", told), await FailureAsync(lab, "container.restart", name));
        }
        var left = await lab.DoAsync("network.disconnect", network, $$"""{"container":"{{name}}"}""");
        Assert.Equal(("{}", 0), (left.Member("labels").GetRawText(), left.Items("containers").Count()));
        Assert.Equal((network, null, null), (left.Text("name"), left.Text("created_at"), left.Flag("internal")));
        Assert.Equal(("not_found", $"There is no network '{network}'."), await FailureAsync(lab, "network.disconnect", network, $$"""{"container":"{{name}}"}"""));
        Assert.Equal("running", (await lab.DoAsync("container.start", name)).Text("state"));
        Assert.Equal("not_found", (await FailureAsync(lab, "network.inspect", network)).Reason);
    }

    [Theory]
    [InlineData("podman", true), InlineData("docker", true), InlineData("nerdctl", true)]
    [InlineData("podman", false), InlineData("docker", false), InlineData("nerdctl", false)]
    public async Task NetworkMadeAgain_IsTheOneThatIsMeant(string provider, bool hasRun)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (network, name) = await AbandonedAsync(lab, hasRun);

        await lab.DoAsync("network.create", network);
        Assert.Equal("running", (await lab.DoAsync("container.start", name)).Text("state"));
        Assert.NotNull(await AddressAsync(lab, network));
        await lab.DoAsync("container.restart", name, """{"timeout_s":0}""");
        Assert.NotNull(await AddressAsync(lab, network));

        await lab.DoAsync("container.remove", name, """{"force":true}""");
        await lab.DoAsync("network.remove", network);
    }

    /// <summary>Podman takes a container out of such networks alone that are there: for one it is made again meanwhile, and removed; with another in it it would stay.</summary>
    [Theory]
    [InlineData("podman", true), InlineData("nerdctl", true)]
    [InlineData("podman", false), InlineData("nerdctl", false)]
    public async Task NetworkRemovedBehindSeveral_IsMadeAgainFirst(string provider, bool hasRun)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var other = lab.Name("other");
        var (network, name) = await AbandonedAsync(lab, hasRun, other);
        var told = $"The network '{network}' is not there any more, and the container '{other}' is in it as well: make it again (network.create) and disconnect then.";

        Assert.Equal(("lifecycle_conflict", told), await FailureAsync(lab, "network.disconnect", network, $$"""{"container":"{{name}}"}"""));
        Assert.Equal("not_found", (await FailureAsync(lab, "network.inspect", network)).Reason);
        await lab.DoAsync("network.create", network);
        Assert.Equal([other], (await lab.DoAsync("network.disconnect", network, $$"""{"container":"{{name}}"}""")).Items("containers").Select(member => member.Text("name")));
        Assert.Empty((await lab.DoAsync("network.disconnect", network, $$"""{"container":"{{other}}"}""")).Items("containers"));
        await lab.DoAsync("network.remove", network);
        foreach (var one in new[] { name, other })
        {
            Assert.Equal("running", (await lab.DoAsync("container.start", one)).Text("state"));
        }
    }

    /// <summary>A container, and perhaps another, that is in a network which is not there any more, and does not run.</summary>
    private static async Task AssertPausedAsync(PrimitiveLab lab, string intent, string network, string container)
    {
        var refused = await lab.SendAsync(intent, network, container);
        Assert.Equal(("409_LIFECYCLE_CONFLICT", "paused", "connect"), (refused.Code, refused.Json.Member("details").Text("from"), refused.Json.Member("details").Text("operation")));
        Assert.Contains("unpause", refused.Json.Member("details").Texts("legal"));
    }

    private static async Task<(string Network, string Container)> AbandonedAsync(PrimitiveLab lab, bool hasRun, string? other = null)
    {
        var (network, name) = (lab.Name("net"), lab.Name());
        await lab.DoAsync("network.create", network);
        foreach (var one in new[] { name, other }.OfType<string>())
        {
            await lab.DoAsync("container.create", one, $$"""{"image":"{{PrimitiveLab.Image}}"}""");
            await lab.DoAsync("network.connect", network, $$"""{"container":"{{one}}"}""");
            if (hasRun)
            {
                await lab.DoAsync("container.start", one);
                await lab.DoAsync("container.kill", one);
            }
        }
        var called = $"{TestGateway.Tenant}-{network}";
        if (lab.Provider == "docker")
        {
            Assert.True(await lab.Engine.RemoveNetworkAsync(called, PrimitiveLab.Cancel));
            return (network, name);
        }
        // Podman itself removes none that a container is in; what it knows of them are files, which somebody may remove.
        var file = Path.Combine(Path.GetDirectoryName(new Uri(lab.Engine.Where!).AbsolutePath)!, "podman", "net", called + ".json");
        if (!File.Exists(file))
        {
            Assert.Skip("Where Podman keeps its networks is known of the one alone that tests/run starts.");
        }
        File.Delete(file);
        return (network, name);
    }

    private static async Task<string?> AddressAsync(PrimitiveLab lab, string network) => (await lab.DoAsync("network.inspect", network)).Items("containers").Single().Text("address");

    private static async Task<(string? Reason, string? Error)> FailureAsync(PrimitiveLab lab, string intent, string name, string members = "{}")
    {
        var result = (await lab.SendAsync(intent, name, members)).Json.Member("result");
        return (result.Text("reason"), result.Text("error"));
    }
}
