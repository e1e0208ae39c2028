using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Sdk;

/// <summary>The tests of <c>src/logline-sdk</c> in Node, each file against a real gateway of its own; tests/run builds the package.</summary>
public sealed class SdkTests
{
    [Theory]
    [InlineData("json")]
    [InlineData("crypto")]
    [InlineData("webhooks")]
    [InlineData("errors")]
    [InlineData("package")]
    [InlineData("gateway")]
    [InlineData("faults")]
    [InlineData("readme")]
    public async Task InNode_EveryTestOfTheFilePasses(string file)
    {
        var folder = NodeTools.Folder("src", "logline-sdk");
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter(), new FakeAdapter("podman")]);

        var said = await NodeTools.RunAsync(folder, gateway.Settings(), "node", "--test", "--test-reporter=tap", $"test/{file}.test.mjs");

        Assert.Contains("# fail 0", said, StringComparison.Ordinal);
        Assert.DoesNotContain("# pass 0", said, StringComparison.Ordinal);
    }
}
