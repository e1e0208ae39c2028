using System.Text.Json;
using LogLine.Api.Gate;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Schema;

namespace LogLine.Benchmarks.Schema;

/// <summary>The validator beside ajv (npm), with the same schemas and the same instances, in turns.</summary>
internal static class SchemaBenchmark
{
    private const string Span = "validation of a signed `deploy.apply` of 1 KiB";
    private const string Parsed = "the same, and reading its text before";
    private const string OfCatalogue = "validation of every example in the catalogue, each against its intent's schema";

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Schema");
        var schema = JsonSchema.Load(File.ReadAllBytes(Path.Combine(folder, "deploy-apply.schema.json")));
        var text = File.ReadAllBytes(Path.Combine(folder, "deploy-apply.json"));
        using var document = JsonDocument.Parse(text);
        var examples = Catalogue.Load(Path.Combine(AppContext.BaseDirectory, "schemas")).All.SelectMany(Examples).ToArray();

        using var ajv = AjvProcess.TryStart(examples.Length);
        if (ajv is null)
        {
            return [Figure.Skipped("schema", Span, "ajv", AjvProcess.Missing)];
        }
        return
        [
            await CompareAsync(ajv, "span", Span, "ajv", () => Must(schema.IsValid(document.RootElement)), 1),
            await CompareAsync(ajv, "parsed", Parsed, "`JSON.parse` and ajv", () =>
            {
                using var parsed = JsonDocument.Parse(text);
                Must(schema.IsValid(parsed.RootElement));
            }, 1),
            await CompareAsync(ajv, "catalogue", OfCatalogue, "ajv", () =>
            {
                foreach (var (payload, example) in examples)
                {
                    Must(payload.IsValid(example));
                }
            }, examples.Length),
        ];
    }

    /// <param name="instances">How many instances one piece of work validates.</param>
    private static async Task<Figure> CompareAsync(AjvProcess ajv, string work, string measured, string yardstick, Action ours, int instances)
    {
        var turns = await ShortWork.CompareAsync(ours, () => ajv.Nanoseconds(work));
        return new Figure
        {
            Benchmark = "schema",
            Measured = measured,
            Yardstick = yardstick,
            Ratio = turns.Ratio,
            Spread = (turns.Lowest, turns.Highest),
            Target = new Target(1, AtLeast: false),
            Details = [$"{turns.Measured / instances:N0} against {turns.Yardstick / instances:N0} ns for one instance, {ShortWork.Allocated(ours) / instances} bytes allocated"],
        };
    }

    private static IEnumerable<(JsonSchema Payload, JsonElement Example)> Examples(IntentDefinition intent) =>
        intent.Document.TryGetProperty("examples", out var examples) ? examples.EnumerateArray().Select(example => (intent.Payload, example)) : [];

    private static void Must(bool valid)
    {
        if (!valid)
        {
            throw new InvalidOperationException("An instance is not valid.");
        }
    }
}
