using LogLine.Api.Gate;
using LogLine.Benchmarks.Canonical;
using LogLine.Benchmarks.Reports;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Tdln;

namespace LogLine.Benchmarks.Tdln;

/// <summary>A paragraph of 200 characters, compiled by the grammar of the whole catalogue.</summary>
internal static class SentenceBenchmark
{
    private const double MostMicroseconds = 200;

    private const string Paragraph =
        "Quero cadastrar pessoa Joana Maria da Silva Pereira, email Joana.Silva@Example.com, país Portugal, telefone +351 912 345 678, data de nascimento 25/04/1987, consent ok. É cliente desde o início, obrigado";

    private const string Limit = "One pass over the text for words and numbers, then every phrase that begins with one of its words; what is left is Unicode: normal form, folding of accents, and the strings that fields are read into.";

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var grammar = Catalogue.Load(Path.Combine(AppContext.BaseDirectory, "schemas")).Grammar;
        var context = new TdlnContext("dev");
        var text = Paragraph[..200];
        var (outcome, known) = (grammar.Compile(text, context), grammar.Compile("create person John Doe, email john@example.com, country PT, consent yes", context));
        if (known is not TdlnResult.Compiled)
        {
            throw new InvalidOperationException($"A sentence that must be understood was not: {known}");
        }
        using var key = SigningKey.Generate();
        var turns = await ShortWork.CompareAsync(() => grammar.Compile(text, context), new Verification(key).Run);
        return
        [
            new Figure
            {
                Benchmark = "sentence",
                Measured = $"a paragraph of {text.Length} characters compiled ({(outcome is TdlnResult.Compiled ? "understood" : "asked about")})",
                Yardstick = $"{MostMicroseconds:0} µs",
                Ratio = turns.Measured / 1000 / MostMicroseconds,
                Spread = (turns.Lowest * turns.Yardstick / 1000 / MostMicroseconds, turns.Highest * turns.Yardstick / 1000 / MostMicroseconds),
                Target = new Target(1, AtLeast: false),
                Details = [$"{turns.Measured / 1000:0.0} µs, {ShortWork.Allocated(() => grammar.Compile(text, context)):N0} bytes allocated; one libsodium Ed25519 verification {turns.Yardstick / 1000:0.0} µs"],
                Limit = Limit,
            },
        ];
    }
}
