using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Sdk;

/// <summary>What runs in a browser, in Chromium; tests/run installs it.</summary>
public sealed class BrowserTests
{
    [Fact]
    public async Task Sdk_WorksInChromium()
    {
        RequireChromium();
        await using var gateway = await TestGateway.StartAsync();

        var said = await NodeTools.RunAsync(NodeTools.Folder("src", "logline-sdk"), gateway.Settings(), "node", "test/browser.mjs");

        Assert.StartsWith("ok in ", said, StringComparison.Ordinal);
    }

    /// <summary>The page's own policy lets it work: nothing that it needs comes from elsewhere or is written into it.</summary>
    [Fact]
    public async Task SwaggerPage_ShowsEveryOperation()
    {
        RequireChromium();
        await using var gateway = await TestGateway.StartAsync();
        var profile = Directory.CreateTempSubdirectory("logline-chromium-");
        try
        {
            var page = await NodeTools.RunAsync(
                Path.GetTempPath(), new Dictionary<string, string>(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--user-data-dir=" + profile.FullName, "--virtual-time-budget=30000", "--dump-dom", new Uri(gateway.Client.BaseAddress!, "/swagger/index.html").ToString());

            foreach (var operation in (string[])["submitSpans", "getReceipt", "streamSpans", "openApi"])
            {
                Assert.Contains($"-{operation}\"", page, StringComparison.Ordinal);
            }
        }
        finally
        {
            profile.Delete(recursive: true);
        }
    }

    private static void RequireChromium() => NodeTools.Require(
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "chromium"))), "Chromium; tests/run installs it");
}
