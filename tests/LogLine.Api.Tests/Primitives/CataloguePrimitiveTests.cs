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
    /// <summary>Where a container can stand; first, where there is none.</summary>
    private static readonly WorkloadState?[] States = [null, WorkloadState.Created, WorkloadState.Running, WorkloadState.Paused, WorkloadState.Stopped];

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
        var steps = States.SelectMany(ContainerLifecycle.Legal).ToHashSet();

        foreach (var intent in gateway.Services.GetRequiredService<Catalogue>().All.Where(intent => intent.Operation is not null))
        {
            Assert.Contains(intent.Operation!, steps);
        }
    }

    /// <summary>What the page says can be done from where is what the guard lets through, whom it names are the intents that ask for it, and those of containers that it leaves out have no step.</summary>
    [Fact]
    public async Task PageOfPrimitives_HasTheTableOfContainers()
    {
        await using var gateway = await TestGateway.StartAsync();
        var lines = (await File.ReadAllTextAsync(Repository.At("docs", "primitives.md"), TestContext.Current.CancellationToken)).Split('\n').ToList();
        var head = lines.FindIndex(line => line.StartsWith("| operation |", StringComparison.Ordinal));
        var rows = lines.Skip(head + 2).TakeWhile(line => line.StartsWith('|')).Select(line => line.Split('|')[1..^1].Select(cell => cell.Trim()).ToList()).ToList();
        var anywhere = lines.Single(line => line.StartsWith("- Intents about one container that are no operation", StringComparison.Ordinal));
        var catalogue = gateway.Services.GetRequiredService<Catalogue>().All;
        var (intents, byOther) = (catalogue.Where(intent => intent.Operation is not null).ToLookup(intent => intent.Operation!, intent => intent.Name), new[] { "network.connect", "network.disconnect" });

        Assert.Equal(["operation", "intent", .. States.Select(ContainerLifecycle.Name), "then"], lines[head].Split('|')[1..^1].Select(cell => cell.Trim()));
        Assert.Equal(States.SelectMany(ContainerLifecycle.Legal).Distinct().Order(StringComparer.Ordinal), rows.Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal));
        Assert.Equal(
            catalogue.Where(intent => intent is { Family: "container", Operation: null } && intent.Subjects[0].Contains("{name}", StringComparison.Ordinal)).Select(intent => intent.Name).Order(StringComparer.Ordinal),
            anywhere.Split('(', ')')[1].Split(", ").Select(name => name.Trim('`')).Order(StringComparer.Ordinal));
        foreach (var row in rows)
        {
            var operation = row[0].Trim('`');
            var legal = States.Where(state => ContainerLifecycle.IsLegal(state, operation)).ToList();
            Assert.Equal(operation == "connect" ? byOther : intents[operation.Split(' ')[0]].Order(StringComparer.Ordinal), row[1].Split(", ").Select(name => name.Trim('`')));
            Assert.Equal($"{operation}: {string.Join(' ', States.Select(state => legal.Contains(state) ? "yes" : "–"))}", $"{operation}: {string.Join(' ', row[2..^1])}");
            Assert.True(row[^1] == "as it was" ? legal.All(state => ContainerLifecycle.LeadsTo(operation, state))
                : ContainerLifecycle.LeadsTo(operation, States.Single(state => row[^1] == (state is null ? "gone" : ContainerLifecycle.Name(state)))), $"docs/primitives.md: {operation} does not lead to '{row[^1]}'");
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
