using System.Text.Json;
using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Schema;

namespace LogLine.Benchmarks.Schema;

/// <summary>Validation of a signed <c>deploy.apply</c> of about 1 KiB; <c>ajv.mjs</c> beside this file does the same with ajv.</summary>
internal static class SchemaBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Schema");
        var schema = JsonSchema.Load(File.ReadAllBytes(Path.Combine(folder, "deploy-apply.schema.json")));
        var text = File.ReadAllBytes(Path.Combine(folder, "deploy-apply.json"));
        using var document = JsonDocument.Parse(text);
        var instance = document.RootElement;
        if (!schema.IsValid(instance))
        {
            throw new InvalidOperationException(schema.Validate(instance)[0].Message);
        }
        void Validate() => schema.IsValid(instance);
        void ParseAndValidate()
        {
            using var parsed = JsonDocument.Parse(text);
            schema.IsValid(parsed.RootElement);
        }
        using var key = SigningKey.Generate();
        var verify = new Verification(key).Run;
        var turns = await ShortWork.CompareAsync(Validate, verify);
        var both = await ShortWork.CompareAsync(ParseAndValidate, verify);
        return
        [
            new Figure
            {
                Benchmark = "schema",
                Measured = "validation of a signed `deploy.apply` of 1 KiB",
                Yardstick = "one libsodium Ed25519 verification",
                Ratio = turns.Ratio,
                Spread = (turns.Lowest, turns.Highest),
                Details =
                [
                    $"validate {turns.Measured:N0} ns, parse and validate {both.Measured:N0} ns, {ShortWork.Allocated(Validate)} bytes allocated by a validation",
                    "for comparison with ajv on the same machine: `tests/LogLine.Benchmarks/Schema/ajv.mjs`",
                ],
            },
        ];
    }
}
