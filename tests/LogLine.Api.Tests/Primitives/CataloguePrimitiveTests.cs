using LogLine.Api.Adapters.Engine;
using LogLine.Api.Gate;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Primitives;

/// <summary>The catalogue and the engines agree: nothing is offered that is not carried out, and nothing carried out is hidden.</summary>
public sealed class CataloguePrimitiveTests
{
    [Fact]
    public async Task EveryPrimitiveOfTheCatalogue_IsCarriedOutByTheEngines()
    {
        using var adapter = new EngineAdapter(EngineEndpoints.At("podman", "unix:///nonexistent/podman.sock"), TimeProvider.System);
        await using var gateway = await TestGateway.StartAsync([adapter]);
        var primitives = gateway.Services.GetRequiredService<Catalogue>().All.Where(intent => intent.Family is not null).ToList();

        Assert.Equal(adapter.Primitives.Keys.Order(StringComparer.Ordinal), primitives.Select(intent => intent.Effect).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task EveryExample_PassesTheGateUpToTheEngine()
    {
        using var adapter = new EngineAdapter(EngineEndpoints.At("podman", "unix:///nonexistent/podman.sock"), TimeProvider.System);
        await using var gateway = await TestGateway.StartAsync([adapter], settings: new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = "registry.example.org/*" });
        var artifact = await gateway.UploadAsync([1, 2, 3]);
        foreach (var intent in gateway.Services.GetRequiredService<Catalogue>().All.Where(intent => intent.Family is not null))
        {
            foreach (var example in intent.Document.Items("examples"))
            {
                var subject = intent.Subjects[0].Replace("{tenant}", "dev").Replace("{name}", example.Text("name"));
                var answer = await gateway.PostAsync($$"""{"intent":"{{intent.Name}}","subject":"{{subject}}","payload":{{(example.Text("artifact") is { } shown ? example.GetRawText().Replace(shown, artifact) : example.GetRawText())}} }""");
                Assert.True(answer.Code == "503_ADAPTER_UNAVAILABLE", $"{intent.Name}: {answer.Body}");
            }
            Assert.NotEmpty(intent.Document.Items("examples"));
        }
    }

    [Fact]
    public async Task EveryOperationOfTheCatalogue_IsInTheTable()
    {
        await using var gateway = await TestGateway.StartAsync();
        var steps = new WorkloadState?[] { null, WorkloadState.Created, WorkloadState.Running, WorkloadState.Paused, WorkloadState.Stopped }.SelectMany(ContainerLifecycle.Legal).ToHashSet();

        foreach (var intent in gateway.Services.GetRequiredService<Catalogue>().All.Where(intent => intent.Operation is not null))
        {
            Assert.Contains(intent.Operation!, steps);
        }
    }

    [Fact]
    public async Task PageOfPrimitives_NamesEveryIntentAndEveryArgument()
    {
        await using var gateway = await TestGateway.StartAsync();
        var page = await File.ReadAllTextAsync(Repository.At("docs", "primitives.md"), TestContext.Current.CancellationToken);
        foreach (var intent in gateway.Services.GetRequiredService<Catalogue>().All.Where(intent => intent.Family is not null))
        {
            var row = page.Split('\n').SingleOrDefault(line => line.StartsWith('|') && IsNamed(line.Split('|')[1], intent.Name)) ?? "";
            Assert.True(row.Length > 0, $"docs/primitives.md has no row for {intent.Name}");
            foreach (var argument in intent.Document.Member("properties").EnumerateObject().Select(member => member.Name).Except(["kind", "target", "name"]))
            {
                Assert.True(row.Split('|')[2].Contains(argument, StringComparison.Ordinal), $"docs/primitives.md: the row of {intent.Name} does not name {argument}");
            }
        }
    }

    /// <summary>`container.start`, `.pause`: the second has the family of the first.</summary>
    private static bool IsNamed(string cell, string intent) => cell.Contains($"`{intent}`", StringComparison.Ordinal)
        || (cell.Contains($"`{intent.Split('.')[0]}.", StringComparison.Ordinal) && cell.Contains($"`{intent[intent.IndexOf('.')..]}`", StringComparison.Ordinal));
}
