namespace LogLine.Cli.Tests.Checkout;

/// <summary>What the Dockerfile describes, published, put together and run under its constraints by tests/image, on a real Podman.</summary>
[Collection(CheckoutCollection.Name)]
public sealed class ImageTests
{
    [Fact]
    public async Task Image_RunsReadOnly_AsAnOrdinaryUser_AndStopsInGoodOrder()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/dpkg") || !File.ReadAllText("/etc/os-release").Contains("VERSION_CODENAME=bookworm", StringComparison.Ordinal))
        {
            Repository.Missing("The image's packages are taken from this machine: that wants root on Debian 12.");
        }
        using var script = Script.Start(new Dictionary<string, string?>(), "tests/image", Repository.Engine("podman"));

        Assert.True(await script.EndAsync() == 0, script.Said);
        Assert.Contains("all of it held", script.Said, StringComparison.Ordinal);
    }
}
