using System.Diagnostics;
using System.Text;
using LogLine.Protocol.Json;
using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>Laws that hold for every text; seeds are fixed.</summary>
public sealed class PropertyTests
{
    private const int Rounds = 3_000;

    private static readonly string[] Sentences = [.. GoldenTests.Rows.Select(row => row.Data.Item1)];

    private static readonly string[] Pieces =
    [
        " ", ", ", "; ", "\n", ": ", "=", "\"", "'", "“", "”", "«", "`", "{", "}", ".", "…", "\0", "\u200b", "\u0301", "é", "ẞ", "ı", "İ", "😀", "李", "\ud83d", "\udc00", "\ufffe", "\uffff", "-", "|",
        "criar", "pessoa", "cadastrar", "deploy", "to", "para", "subir", Ref, "podman", "service", "serviço", "web", "email", "a@b.pt", "país", "Brasil", "consent", "ok", "não",
        "parar", "run_abc", "status", "de", "urn:minicontainer:vv/web", "name", "nome", "and", "e", "please", "por", "favor", "algo", "17/11/2025", "+351912345678", "phone", "deploy.apply",
    ];

    [Fact]
    public void AnyText_GivesOneAnswerAndNeverThrows()
    {
        var random = new Random(20251117);
        TdlnContext[] contexts =
        [
            Tenant,
            Tenant with { IntentHint = "registry.person.create" },
            Tenant with { Span = Given("""{"intent":"deploy.apply","payload":{"target":{"provider":"podman"}}}""") },
            Tenant with { Span = Given("""{"type":"ll.minicontainer.v1"}""") },
            Tenant with { Span = Given("""{"intent":7,"subject":[],"payload":"x"}""") },
        ];
        for (var round = 0; round < Rounds; round++)
        {
            var text = round % 3 == 0 ? Characters(random) : Words(random);
            var context = contexts[round % contexts.Length];
            switch (Real.Compile(text, context))
            {
                case TdlnResult.Compiled compiled:
                    var again = Assert.IsType<TdlnResult.Compiled>(Real.Compile(text, context));
                    Assert.Equal((compiled.Hash, compiled.Json(), compiled.Language), (again.Hash, again.Json(), again.Language));
                    Assert.Equal(compiled.Json(), Encoding.UTF8.GetString(CanonicalJson.Parse(compiled.Span.Utf8.Span).Utf8.Span));
                    break;
                case TdlnResult.NotUnderstood refused:
                    Assert.NotEmpty(refused.SuggestedReply);
                    break;
            }
        }
    }

    [Fact]
    public void WhiteSpaceBetweenWords_DoesNotMatter()
    {
        var random = new Random(1);
        foreach (var sentence in Sentences)
        {
            var spaced = new StringBuilder("  ");
            foreach (var c in sentence)
            {
                spaced.Append(c == ' ' ? new[] { " ", "  ", "\t", " \u00a0 ", "\u2003" }[random.Next(5)] : c.ToString());
            }
            Assert.Equal(Compiled(sentence).Hash, Compiled(spaced.Append(' ').ToString()).Hash);
        }
    }

    [Fact]
    public void CaseAndDiacriticsOfKeywords_DoNotMatter()
    {
        foreach (var sentence in Sentences.Where(sentence => !sentence.Contains('"')))
        {
            var words = sentence.Split(' ');
            var shouted = string.Join(' ', words.Select(word => Keywords.Contains(word) ? word.ToUpperInvariant() : word));
            var plain = string.Join(' ', words.Select(word => Keywords.Contains(word) ? Folding.Fold(word) : word));
            var decomposed = sentence.Normalize(NormalizationForm.FormD);
            Assert.Equal(Compiled(sentence).Hash, Compiled(shouted).Hash);
            Assert.Equal(Compiled(sentence).Hash, Compiled(plain).Hash);
            Assert.Equal(Compiled(sentence).Hash, Compiled(decomposed).Hash);
        }
    }

    [Fact]
    public void OrderOfFields_DoesNotMatter()
    {
        string[] fields = ["email a@b.pt", "país Brasil", "consent ok", "telefone (11) 98765-4321"];
        var expected = Compiled("criar pessoa Ana Lima, " + string.Join(", ", fields)).Hash;
        var random = new Random(2);
        for (var round = 0; round < 24; round++)
        {
            random.Shuffle(fields);
            Assert.Equal(expected, Compiled("criar pessoa Ana Lima, " + string.Join("; ", fields)).Hash);
        }
    }

    [Fact]
    public void ThisTsAndPrev_AreNotInTheHash()
    {
        var bare = CanonicalJson.Parse("""{"intent":"run.cancel","payload":{}}""");
        var full = CanonicalJson.Parse("""{"intent":"run.cancel","payload":{},"prev":"a","this":"b","ts":"c"}""");
        Assert.Equal(CompiledHash.Of(bare.Root), CompiledHash.Of(full.Root));
        Assert.Equal(Protocol.Crypto.ContentHash.Of(bare.Utf8.Span), CompiledHash.Of(bare.Root));
    }

    /// <summary>The best of several rounds, since the machine may be busy with something else.</summary>
    [Theory]
    [InlineData("\" ")]
    [InlineData("' ")]
    [InlineData("'a ")]
    [InlineData("‘a’b ")]
    [InlineData("a:")]
    [InlineData("email:")]
    [InlineData("email a and ")]
    [InlineData("a a ")]
    [InlineData("criar ")]
    [InlineData("por favor ")]
    [InlineData("para ")]
    [InlineData("é")]
    [InlineData("é ")]
    [InlineData(", ")]
    [InlineData("a, ")]
    [InlineData(".")]
    [InlineData("\u0301")]
    [InlineData("{name} ")]
    public void HostileText_CostsNotMuchMoreThanAnOrdinaryOneOfItsLength(string piece)
    {
        var ordinary = Cost(string.Concat(Enumerable.Repeat("lorem ipsum ", TdlnGrammar.MaxCharacters / 12)));
        foreach (var opening in new[] { "", "criar pessoa ", "deploy ", "parar ", "create a person ", "cancel run_abc because " })
        {
            var text = opening + string.Concat(Enumerable.Repeat(piece, TdlnGrammar.MaxCharacters / piece.Length));
            text = text[..Math.Min(text.Length, TdlnGrammar.MaxCharacters)];
            var cost = Cost(text);
            Assert.True(cost < 100 * ordinary, $"'{opening}{piece}…' took {cost:F1} ms, an ordinary text {ordinary:F1} ms.");
        }

        static double Cost(string text) => Enumerable.Range(0, 5).Min(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            Real.Compile(text, Tenant);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        });
    }

    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "Quero", "cadastrar", "pessoa", "email", "país", "consent", "create", "person", "deploy", "to", "project", "service", "subir", "para", "serviço", "aplicar", "manifesto", "nome",
        "parar", "container", "destino", "revogar", "chave", "motivo", "phone", "born", "country", "namespace",
    };

    private static string Words(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => Pieces[random.Next(Pieces.Length)] + (random.Next(3) == 0 ? "" : " ")));

    private static string Characters(Random random)
    {
        var text = new char[random.Next(0, 200)];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (char)(random.Next(4) == 0 ? random.Next(0x10000) : random.Next(0x80));
        }
        return new string(text);
    }
}
