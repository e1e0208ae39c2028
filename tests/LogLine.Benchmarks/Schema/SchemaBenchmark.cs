using System.Diagnostics;
using System.Text.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Benchmarks.Schema;

/// <summary>Validation of a signed <c>deploy.apply</c> of about 1 KiB; <c>ajv.mjs</c> beside this file does the same with ajv.</summary>
public static class SchemaBenchmark
{
    private const int Rounds = 400;
    private const int Validations = 1_000;

    /// <summary>Writes the best of some rounds, in nanoseconds for one validation, and the bytes that one allocates.</summary>
    public static void Run(TextWriter output)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Schema");
        var schema = JsonSchema.Load(File.ReadAllBytes(Path.Combine(folder, "deploy-apply.schema.json")));
        var text = File.ReadAllBytes(Path.Combine(folder, "deploy-apply.json"));
        using var document = JsonDocument.Parse(text);
        var instance = document.RootElement;
        if (!schema.IsValid(instance))
            throw new InvalidOperationException(schema.Validate(instance)[0].Message);

        var validate = Best(() => schema.IsValid(instance));
        var both = Best(() =>
        {
            using var parsed = JsonDocument.Parse(text);
            return schema.IsValid(parsed.RootElement);
        });
        var before = GC.GetAllocatedBytesForCurrentThread();
        schema.IsValid(instance);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"schema: validate {validate:F0} ns, parse and validate {both:F0} ns, {allocated} bytes allocated by a validation");
    }

    private static double Best(Func<bool> work)
    {
        var least = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Validations; i++)
                work();
            least = Math.Min(least, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Validations);
        }
        return least;
    }
}
