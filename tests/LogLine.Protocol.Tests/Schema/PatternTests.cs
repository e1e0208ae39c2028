using System.Text;
using System.Text.RegularExpressions;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

public sealed class PatternTests
{
    [Theory]
    [InlineData("^[a-z0-9][a-z0-9_-]{0,62}$")]
    [InlineData("^blake3:[0-9a-f]{64}$")]
    [InlineData("^mc:[a-z0-9][a-z0-9_-]{1,62}/[a-z0-9][a-z0-9_-]{0,62}@blake3:[0-9a-f]{64}$")]
    [InlineData(@"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]
    [InlineData("^urn:[a-z]+:.{1,500}$")]
    [InlineData("^x-")]
    [InlineData("^(dev|stg|prd)$")]
    [InlineData(@"^[^\s/]+(/[^\s/]+)*$")]
    public void PatternsOfTheContract_AreMatchedDirectly(string source) => Assert.NotNull(Compile(source).Direct);

    [Theory]
    [InlineData("a")]
    [InlineData("^a*a$")]
    [InlineData("^(a|ab)c$")]
    [InlineData("^(a?b?)*a$")]
    [InlineData("^a|b$")]
    [InlineData("^(ab)*ac")]
    [InlineData("^[a-z]*x")]
    public void PatternThatNeedsAChoice_IsLeftToTheEngine(string source) => Assert.Null(Compile(source).Direct);

    [Theory]
    [InlineData("^a$", "a\n", false)]
    [InlineData(@"^\d+$", "٣", false)]
    [InlineData(@"^\w$", "é", false)]
    [InlineData("^.$", "🐲", true)]
    [InlineData("^[^a]$", "🐲", true)]
    [InlineData("^.$", "\n", false)]
    [InlineData("^.$", "\u2028", false)]
    [InlineData(@"^\u{1F432}{2}$", "🐲🐲", true)]
    [InlineData(@"^\ud83d\udc32$", "🐲", true)]
    [InlineData("[🐲-🐴]x", "-🐳x", true)]
    [InlineData("[🐲-🐴]x", "🐵x", false)]
    [InlineData("[^🐲]x$", "🐲x", false)]
    [InlineData("^[]$", "a", false)]
    [InlineData("^[^]$", "a", true)]
    [InlineData("^$", "", true)]
    [InlineData("", "anything", true)]
    [InlineData("^(a|b*)$", "bbb", true)]
    [InlineData("^(a|b*)$", "", true)]
    [InlineData("^(ab?){2}$", "aba", true)]
    [InlineData("^(ab){0}$", "", true)]
    [InlineData("^x{0}y$", "y", true)]
    public void Pattern_MeansWhatEcmaSays(string source, string text, bool expected) =>
        Assert.Equal(expected, Compile(source).IsMatch(Encoding.UTF8.GetBytes(text)));

    /// <summary>The direct matcher against the engine of .NET, over random patterns and texts of a small alphabet.</summary>
    [Fact]
    public void DirectMatcher_AgreesWithTheEngineOnEveryPatternThatItTakes()
    {
        var random = new Random(20251117);
        var direct = 0;
        for (var round = 0; round < 10_000; round++)
        {
            var source = "^" + Expression(random, 3) + (random.Next(4) == 0 ? "" : "$");
            var pattern = Compile(source);
            if (pattern.Direct is null)
                continue;
            direct++;
            var engine = new Regex(RegexTranslation.ToDotNet(EcmaRegexParser.Parse(source, out _)!), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            for (var i = 0; i < 12; i++)
            {
                var text = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => Letters[random.Next(Letters.Length)]));
                Assert.True(engine.IsMatch(text) == pattern.IsMatch(Encoding.UTF8.GetBytes(text)), $"{source} on '{text}'");
            }
        }
        Assert.InRange(direct, 1_000, 10_000);
    }

    private static readonly string[] Letters = ["a", "b", "c", "é", "🐲"];

    private static string Expression(Random random, int depth) => random.Next(depth == 0 ? 3 : 7) switch
    {
        0 or 1 => Letters[random.Next(Letters.Length)],
        2 => (string[])["[ab]", "[^a]", "[bc]", "[aé]", "[^🐲]", "."] is var sets ? sets[random.Next(sets.Length)] : "",
        3 => Expression(random, depth - 1) + Expression(random, depth - 1),
        4 => Expression(random, depth - 1) + Expression(random, depth - 1) + Expression(random, depth - 1),
        5 => $"({Expression(random, depth - 1)}|{Expression(random, depth - 1)})",
        _ => $"(?:{Expression(random, depth - 1)}){((string[])["*", "+", "?", "{2}", "{1,2}", "{0,3}"])[random.Next(6)]}",
    };

    private static Pattern Compile(string source) =>
        Pattern.TryCompile(source, out var pattern, out var reason) ? pattern : throw new InvalidOperationException($"{source}: {reason}");
}
