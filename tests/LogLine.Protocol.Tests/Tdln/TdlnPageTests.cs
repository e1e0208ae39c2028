using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>docs/tdln.md: its examples are what the grammar does, and its table of normalisers is the code's.</summary>
public sealed class TdlnPageTests
{
    private static readonly string[] Page = File.ReadAllLines(Path.Combine(Root, "docs", "tdln.md"));

    [Fact]
    public void ExamplesOnThePage_CompileToTheirSpans()
    {
        var examples = Page.Zip(Page.Skip(1)).Where(pair => pair.First.StartsWith("> ", StringComparison.Ordinal)).ToList();
        Assert.Equal(6, examples.Count);
        foreach (var (sentence, span) in examples)
        {
            var compiled = Compiled(sentence[2..]);
            Assert.Equal(span, compiled.Json());
            Assert.Empty(compiled.Faults);
        }
    }

    [Fact]
    public void NormalisersOnThePage_AreThoseOfTheCode()
    {
        var rows = Page.SkipWhile(line => line != "## Normalisers").Skip(4).TakeWhile(line => line.StartsWith('|')).Select(line => line.Split('`')[1]);
        Assert.Equal(Normaliser.All.Keys.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }
}
