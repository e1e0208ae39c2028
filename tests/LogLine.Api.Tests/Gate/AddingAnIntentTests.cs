using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Gate;

/// <summary>Follows docs/adding-an-intent.md: the file that it shows is put into a copy of schemas/, and the span that it shows is sent.</summary>
public sealed partial class AddingAnIntentTests : IDisposable
{
    private readonly string _schemas = Directory.CreateTempSubdirectory("logline-schemas-").FullName;
    private readonly string _page = File.ReadAllText(Repository.At("docs", "adding-an-intent.md"));

    [Fact]
    public async Task FileOfThePage_IsANewIntent_WithoutALineOfCode()
    {
        await using var gateway = await WithTheFileAsync();

        var ack = await gateway.PostAsync(Block("span"));

        Assert.True(ack.Status == HttpStatusCode.OK, ack.Body);
        var listed = (await gateway.GetAsync("/v1/catalog")).Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("intent").GetString());
        Assert.Contains("fleet.vehicle.register", listed);
        var span = (await gateway.GetAsync("/v1/spans/" + ack.Json.GetProperty("this").GetString())).Json;
        Assert.Equal("fleet/vehicle.v1", span.GetProperty("payload").GetProperty("kind").GetString());
        var state = (await gateway.GetAsync("/v1/state/view?subject=" + span.GetProperty("subject").GetString())).Json;
        Assert.Equal("AB-12-CD", state.GetProperty("fields").GetProperty("plate").GetString());
    }

    [Theory]
    [InlineData("\"plate\":\"AB-12-CD\",", "", "422_TDLN_INVALID", "payload.plate")]
    [InlineData("AB-12-CD", "ab 12", "422_SCHEMA_INVALID", "/payload/plate")]
    [InlineData("\"plate\":", "\"colour\":\"red\",\"plate\":", "422_SCHEMA_INVALID", "/payload/colour")]
    public async Task BadPayload_IsRefusedByTheSchemaOfThePage(string find, string put, string code, string field)
    {
        await using var gateway = await WithTheFileAsync();
        var compact = JsonSerializer.Serialize(JsonDocument.Parse(Block("span")));

        var refused = await gateway.PostAsync(compact.Replace(find, put, StringComparison.Ordinal));

        Assert.Equal(code, refused.Code);
        Assert.Contains(field, refused.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutTheFile_TheIntentIsUnknown()
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("422_SCHEMA_INVALID", (await gateway.PostAsync(Block("span"))).Code);
    }

    public void Dispose() => Directory.Delete(_schemas, recursive: true);

    private async Task<TestGateway> WithTheFileAsync()
    {
        foreach (var file in Directory.EnumerateFiles(Repository.At("schemas"), "*.json", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_schemas, Path.GetRelativePath(Repository.At("schemas"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        await File.WriteAllTextAsync(Path.Combine(_schemas, "intents", "fleet.vehicle.register.schema.json"), Block("schemas/intents/fleet.vehicle.register.schema.json"), TestContext.Current.CancellationToken);
        return await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Schemas"] = _schemas });
    }

    /// <summary>The block of the page behind <c>&lt;!-- file: NAME --&gt;</c>.</summary>
    private string Block(string name) => Blocks().Matches(_page).Single(match => match.Groups["name"].Value == name).Groups["content"].Value;

    [GeneratedRegex(@"<!-- file: (?<name>[^ ]+) -->\n```json\n(?<content>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
