using System.Diagnostics;
using System.Text;
using LogLine.Protocol.Json;
using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>Laws that hold for every text.</summary>
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
    public void AnyText_GivesOneAnswerAndNeverThrows_AndWhatComesOutIsBounded() => Laws.Hold(Rounds, random =>
    {
        var context = random.Of(
            Tenant,
            Tenant with { IntentHint = "registry.person.create" },
            Tenant with { Span = Given("""{"intent":"deploy.apply","payload":{"target":{"provider":"podman"}}}""") },
            Tenant with { Span = Given("""{"type":"ll.minicontainer.v1"}""") },
            Tenant with { Span = Given("""{"intent":7,"subject":[],"payload":"x"}""") });
        var text = random.Next(3) == 0 ? Characters(random) : Words(random);
        switch (Real.Compile(text, context))
        {
            case TdlnResult.Compiled compiled:
                var again = Assert.IsType<TdlnResult.Compiled>(Real.Compile(text, context));
                Assert.Equal((compiled.Hash, compiled.Json(), compiled.Language), (again.Hash, again.Json(), again.Language));
                Assert.Equal(compiled.Json(), Encoding.UTF8.GetString(CanonicalJson.Parse(compiled.Span.Utf8.Span).Utf8.Span));
                Assert.InRange(compiled.Json().Length, 0, 1_000 + (12 * text.Length));
                Assert.InRange(compiled.Faults.Count, 0, 16);
                break;
            case TdlnResult.NotUnderstood refused:
                Assert.NotEmpty(refused.SuggestedReply);
                break;
        }
    });

    [Fact]
    public void WhiteSpaceBetweenWords_DoesNotMatter() => Laws.Hold(500, random =>
    {
        var sentence = random.Of([.. Sentences, "create person Ana Lima, country São Tomé and Príncipe, born 17 de novembro de 1990, phone +351 912 345 678"]);
        var spaced = string.Concat(sentence.Select(c => c == ' ' ? random.Of(" ", "  ", "\t", " \u00a0 ", "\u2003") : c.ToString()));
        Assert.Equal(Compiled(sentence).Hash, Compiled("  " + spaced + " ").Hash);
    });

    [Fact]
    public void CaseAndDiacriticsOfKeywords_DoNotMatter() => Laws.Hold(500, random =>
    {
        var sentence = random.Of([.. Sentences.Where(sentence => !sentence.Contains('"'))]);
        var words = sentence.Split(' ').Select(word => !Keywords.Contains(word) ? word : random.Of(word, word.ToUpperInvariant(), Folding.Fold(word), word.Normalize(NormalizationForm.FormD)));
        Assert.Equal(Compiled(sentence).Hash, Compiled(string.Join(' ', words)).Hash);
        Assert.Equal(Compiled(sentence).Hash, Compiled(sentence.Normalize(NormalizationForm.FormD)).Hash);
    });

    /// <summary>Ids, reasons and paths keep the case in which they are written; names of services, mail addresses and hosts have one.</summary>
    [Fact]
    public void CaseOfAValue_IsKeptWhereItMatters_AndOneWhereItDoesNot() => Laws.Hold(300, random =>
    {
        var word = "x" + Mixed(random, random.Next(1, 20)) + "9";

        Assert.Equal(word, Payload($"deploy {Ref} to railway project {word} service web").Member("target").Text("project_id"));
        Assert.Equal(word, Payload($"revogar chave kid_{word} motivo perdida no {word}").Text("kid")!["kid_".Length..]);
        Assert.EndsWith(" " + word, Payload($"revogar chave kid_1 motivo perdida no {word}").Text("reason"), StringComparison.Ordinal);
        Assert.Equal(word.ToLowerInvariant(), Payload($"deploy {Ref} to podman service {word}").Member("target").Text("service"));
        Assert.Equal(word.ToLowerInvariant() + "@ex.com", Payload($"create person Ana Lima, email {word}@EX.com").Text("email"));

        static System.Text.Json.JsonElement Payload(string sentence) => Compiled(sentence).Span.Root.Member("payload");
    });

    [Fact]
    public void OrderOfFields_DoesNotMatter() => Laws.Hold(100, random =>
    {
        string[] fields = ["email a@b.pt", "país Brasil", "consent ok", "telefone (11) 98765-4321"];
        var expected = Compiled("criar pessoa Ana Lima, " + string.Join(", ", fields)).Hash;
        random.Shuffle(fields);
        Assert.Equal(expected, Compiled("criar pessoa Ana Lima, " + string.Join(random.Of(", ", "; ", "\n"), fields)).Hash);
    });

    /// <summary>What a normaliser has written it reads as the same.</summary>
    [Fact]
    public void NormalisedValue_IsItsOwnNormalForm() => Laws.Hold(Rounds, random =>
    {
        var normaliser = random.Of([.. Normaliser.All.Values]);
        var context = new ReadingContext(["Always", "never", "até"], random.Of<string?>(null, "PT", "BR", "US"));
        var text = random.Next(3) switch { 0 => Words(random, Whole), 1 => Mixed(random, random.Next(30)), _ => random.Of(Values) };

        if (normaliser.Read(new Written(text, Quoted: false), context) is { } first)
        {
            var written = first switch { bool flag => flag ? "true" : "false", var other => Convert.ToString(other, System.Globalization.CultureInfo.InvariantCulture)! };
            Assert.True(Equals(first, normaliser.Read(new Written(written, Quoted: false), context)), $"{normaliser.Name}: '{text}' is '{first}', and that is '{normaliser.Read(new Written(written, Quoted: false), context)}'");
        }
    });

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

    /// <summary>Without half characters, which the grammar refuses before it reads a value.</summary>
    private static readonly string[] Whole = [.. Pieces.Where(piece => piece.EnumerateRunes().All(rune => rune != Rune.ReplacementChar) && !piece.Contains('\ufffe'))];

    private static readonly string[] Values =
    [
        "Joana Maria SILVA", "joão DOS santos", "ana  de vries", "Conan O'Brien", " Joana@EX.com ", "<A@b.pt>", "mailto:A@b.pt", "Portugal", "brasil", "USA", "pt", "17/11/2025", "2025-11-17", "2025-11-17T13:00:00+01:00", "Sim", "NÃO", "ok",
        "+351 912 345 678", "912 345 678", "(11) 98765-4321", "(212) 555-0100", "HTTP://Example.com:8080/Path?Q=1", "example.com/A", "MC:vv/Web@blake3:" + Hex, Ref, "RUN_abc", "urn:container:vv/web", "K8s", "Podman", "Web", "007",
        "-3", "ALWAYS", "ate", "Conceição & Filhos, Lda.", "acme_corp", "a,  b; c", "one two",
    ];

    private static string Mixed(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => random.Of("a", "B", "k", "Q", "z", "R", "3", "0")));

    private static string Words(Random random, string[]? pieces = null) => string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Of(pieces ?? Pieces) + (random.Next(3) == 0 ? "" : " ")));

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
