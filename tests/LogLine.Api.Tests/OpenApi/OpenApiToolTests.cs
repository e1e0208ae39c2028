using System.Text.RegularExpressions;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.OpenApi;

/// <summary>What the field's own tools say of schemas/openapi.json: linters find nothing, generators make clients of it that compile strictly and work.</summary>
public sealed class OpenApiToolTests
{
    private static readonly Dictionary<string, string> Nothing = [];
    private static readonly string Document = Repository.At("schemas", "openapi.json");

    [Fact]
    public async Task Redocly_FindsNothing()
    {
        var said = await NodeTools.RunAsync(NodeTools.Folder("tests", "openapi"), Nothing, "redocly", "lint", "--extends=recommended", "--format=json", Document);
        Assert.Matches(new Regex("\"errors\": 0,\\s+\"warnings\": 0,\\s+\"ignored\": 0"), said);
    }

    [Fact]
    public async Task Spectral_FindsNothing()
    {
        var said = await NodeTools.RunAsync(NodeTools.Folder("tests", "openapi"), Nothing, "spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity=hint", Document);
        Assert.Contains("No results", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("openapi-fetch", "openapi-typescript", "-o", "schema.ts")]
    [InlineData("hey-api", "openapi-ts", "-o", "client", "-c", "@hey-api/client-fetch")]
    public async Task GeneratedClient_CompilesStrictly_AndPostsASpan(string program, string generator, params string[] arguments)
    {
        var folder = NodeTools.Folder("tests", "openapi");
        // Below the packages, where the compiler finds them.
        var work = Directory.CreateDirectory(Path.Combine(folder, "node_modules", ".work", Guid.NewGuid().ToString("N"))).FullName;
        try
        {
            foreach (var file in (string[])[program + ".ts", "tsconfig.json", "package.json"])
            {
                File.Copy(Path.Combine(folder, file), Path.Combine(work, file));
            }
            var input = generator == "openapi-ts" ? (string[])["-i", Document] : [Document];
            await NodeTools.RunAsync(folder, Nothing, [generator, .. input, .. arguments.Select(argument => argument is "schema.ts" or "client" ? Path.Combine(work, argument) : argument)]);
            await NodeTools.RunAsync(folder, Nothing, "tsc", "-p", work);
            await using var gateway = await TestGateway.StartAsync();

            var said = await NodeTools.RunAsync(folder, gateway.Settings(), "node", Path.Combine(work, "built", program + ".js"));

            Assert.Contains($"{program}: urn:span:", said, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }
}
