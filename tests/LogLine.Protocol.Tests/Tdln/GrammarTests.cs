using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>A new file is a new intent; annotations that cannot work are refused when they are loaded.</summary>
public sealed class GrammarTests
{
    private const string Dataset = """
        { "$id": "https://example.test/dataset", "type": "object",
          "x-logline": { "sender": "client", "subject": ["urn:dataset:{tenant}/{name}"],
                         "phrases": { "en": ["create dataset {name}"], "pt": ["criar conjunto {name}"] } },
          "properties": { "kind": { "const": "dataset/create.v1" },
                          "name": { "type": "string", "examples": ["sales"], "x-logline": { "normalize": "name", "pt": ["nome"] } },
                          "rows": { "type": "integer" }, "tags": { "type": "array", "items": { "type": "string" } },
                          "level": { "enum": ["Open", "Closed"] }, "due_date": { "type": "string", "format": "date-time" }, "source": { "type": "string", "format": "uri" } } }
        """;

    [Fact]
    public void NewFile_IsANewIntent()
    {
        var compiled = Assert.IsType<TdlnResult.Compiled>(Of(("dataset.create", Dataset))
            .Compile("criar conjunto Vendas, rows: 1200, tags red and \"dark blue\", level OPEN, due date 17/11/2025, source Example.com/Path", Tenant));
        Assert.Empty(compiled.Faults);
        Assert.Equal(
            """{"intent":"dataset.create","payload":{"due_date":"2025-11-17T00:00:00Z","level":"Open","name":"vendas","rows":1200,"source":"https://example.com/Path","tags":["red","dark blue"]},"subject":"urn:dataset:vv/vendas"}""",
            compiled.Json());
    }

    [Fact]
    public void PhrasesMatchEqually_AmbiguousListingBoth()
    {
        var other = Dataset.Replace("/dataset", "/other").Replace("urn:dataset", "urn:other");
        var grammar = Of(("dataset.create", Dataset), ("other.create", other));
        var refused = Assert.IsType<TdlnResult.NotUnderstood>(grammar.Compile("create dataset sales", Tenant));
        Assert.Equal(TdlnRefusal.Ambiguous, refused.Reason);
        Assert.Equal(["dataset.create: create dataset sales", "other.create: create dataset sales"], refused.Examples);
        Assert.IsType<TdlnResult.Compiled>(grammar.Compile("create dataset sales", Tenant with { IntentHint = "other.create" }));
    }

    [Fact]
    public void MoreWords_WinOverFewer()
    {
        var any = Dataset.Replace("/dataset", "/any").Replace("create dataset {name}", "create {name}");
        var compiled = Assert.IsType<TdlnResult.Compiled>(Of(("any.create", any), ("dataset.create", Dataset)).Compile("create dataset sales", Tenant));
        Assert.StartsWith("{\"intent\":\"dataset.create\"", compiled.Json(), StringComparison.Ordinal);
    }

    [Fact]
    public void RunId_WinsOverAnyName()
    {
        // "run_abc" could also be the name of a container.
        var stop = Dataset.Replace("create dataset {name}", "stop {name}").Replace("criar conjunto {name}", "parar {name}");
        var cancel = """
            { "$id": "https://example.test/run", "x-logline": { "sender": "client", "subject": [], "phrases": { "en": ["stop {run_id}"] } },
              "properties": { "run_id": { "type": "string", "x-logline": { "normalize": "run_id" } } } }
            """;
        var grammar = Of(("container.stop", stop), ("run.cancel", cancel));
        Assert.StartsWith("{\"intent\":\"run.cancel\"", Assert.IsType<TdlnResult.Compiled>(grammar.Compile("stop run_abc", Tenant)).Json(), StringComparison.Ordinal);
        Assert.StartsWith("{\"intent\":\"container.stop\"", Assert.IsType<TdlnResult.Compiled>(grammar.Compile("stop web", Tenant)).Json(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create dataset {name}", "create {nothing}", "names the field 'nothing'")]
    [InlineData("create dataset {name}", "{name} create", "needs a word before {name}")]
    [InlineData("create dataset {name}", "create {name} {rows}", "needs a word before {rows}")]
    [InlineData("create dataset {name}", " ", "empty phrase")]
    [InlineData("\"normalize\": \"name\"", "\"normalize\": \"nome\"", "names the normaliser 'nome'")]
    [InlineData("\"rows\": { \"type\": \"integer\" }", "\"rows\": { \"type\": \"integer\", \"x-logline\": { \"pt\": [\"Nome\"] } }", "both name and rows are called 'Nome'")]
    [InlineData("\"en\": [\"create", "\"fr\": [\"create", "the languages are en and pt")]
    public void AnnotationIsWrong_RefusedWhenLoaded(string right, string wrong, string message)
    {
        Assert.Contains(right, Dataset, StringComparison.Ordinal);
        var refused = Assert.Throws<TdlnGrammarException>(() => Of(("dataset.create", Dataset.Replace(right, wrong))));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryPhraseOfTheCatalogue_ParsesToItsIntent()
    {
        var phrases = 0;
        foreach (var intent in Intents)
        {
            var fields = intent.Fields.ToDictionary(field => field.Name);
            foreach (var phrase in intent.Phrases)
            {
                foreach (var text in Spellings(phrase.Text, fields))
                {
                    phrases++;
                    var compiled = Compiled(text);
                    Assert.True(compiled.Span.Root.GetProperty("intent").GetString() == intent.Name, $"'{text}' of {intent.Name} parses to {compiled.Json()}");
                    Assert.True(compiled.Faults.Count == 0, $"'{text}': {string.Join(' ', compiled.Faults)}");
                }
            }
            Assert.StartsWith($"{{\"intent\":\"{intent.Name}\"", Compiled(intent.Name).Json(), StringComparison.Ordinal);
        }
        Assert.True(phrases > 60);
    }

    [Fact]
    public void EveryExampleThatIsOffered_IsUnderstood()
    {
        foreach (var opening in Intents.SelectMany(intent => intent.Phrases).Select(phrase => phrase.Text.Split(' ')[0]).SelectMany(word => word.Split('|')).Distinct())
        {
            if (Real.Compile(opening + " xyz", Tenant) is TdlnResult.NotUnderstood refused)
            {
                Assert.All(refused.Examples, example => Assert.Empty(Compiled(example).Faults));
                Assert.NotEmpty(refused.Examples);
                Assert.DoesNotContain(refused.Examples, example => example.Contains('…'));
            }
        }
    }

    /// <summary>The phrase with each alternative of each word in turn, captures filled with the schema's examples.</summary>
    private static IEnumerable<string> Spellings(string phrase, Dictionary<string, TdlnField> fields)
    {
        var parts = phrase.Split(' ').Select(part => part[0] == '{' ? [fields[part[1..^1]].Example ?? "abc"] : part.Split('|')).ToArray();
        for (var i = 0; i < parts.Max(part => part.Length); i++)
        {
            yield return string.Join(' ', parts.Select(part => part[Math.Min(i, part.Length - 1)]));
        }
    }
}
