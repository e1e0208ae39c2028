using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>What sentences mean, against the repository's own schemas.</summary>
public sealed class CompileTests
{
    [Fact]
    public void MissingFields_GiveThePartialSpan()
    {
        var compiled = Compiled("create person John Doe");
        Assert.Equal("""{"intent":"registry.person.create","payload":{"name":"John Doe"},"subject":"urn:registry:person/john_doe"}""", compiled.Json());
        Assert.Empty(compiled.Faults);
        Assert.Equal(TdlnLanguage.English, compiled.Language);
    }

    [Theory]
    [InlineData("criar algo", TdlnLanguage.Portuguese, "criar pessoa Joana Maria Silva, e-mail joana@example.com, país PT, consentimento sim")]
    [InlineData("create something", TdlnLanguage.English, "create person Joana Maria Silva, email joana@example.com, country PT, consent yes")]
    [InlineData("cadastrar pessoa algo", TdlnLanguage.Portuguese, "cadastrar pessoa Joana Maria Silva, e-mail joana@example.com, país PT, consentimento sim")]
    public void IntentIsUnknown_RefusedWithExamplesInTheLanguageOfTheText(string text, TdlnLanguage language, string example)
    {
        var refused = Refused(text);
        Assert.Equal((TdlnRefusal.UnknownIntent, language), (refused.Reason, refused.Language));
        Assert.Contains(example, refused.Examples);
        Assert.EndsWith("- " + refused.Examples[^1], refused.SuggestedReply, StringComparison.Ordinal);
    }

    [Fact]
    public void ExampleThatSharesMostWords_ComesFirst() =>
        Assert.StartsWith("cadastrar pessoa ", Refused("cadastrar pessoa algo").Examples[0], StringComparison.Ordinal);

    [Theory]
    [InlineData("não subir " + Ref + " para podman serviço web")]
    [InlineData("do not deploy " + Ref + " to podman service web")]
    [InlineData("never cancel run_abc")]
    [InlineData("se der certo, parar run_abc")]
    public void WordsBeforeThePhraseAreNotCourtesy_NothingIsDone(string text) => Assert.Equal(TdlnRefusal.UnknownIntent, Refused(text).Reason);

    [Theory]
    [InlineData("cadastrar pessoa Ana Lima, cpf: 123", "cpf: 123")]
    [InlineData("deploy " + Ref + " to podman service web, only in staging", "only in staging")]
    [InlineData("create person Silva, Joana, email a@b.pt", "Joana")]
    [InlineData("parar run_abc\nparar run_def", "parar run_def")]
    public void WordsBelongToNoField_Reported(string text, string words)
    {
        var fault = Assert.Single(Compiled(text).Faults);
        Assert.Equal(("/paragraph", "grammar"), (fault.Path, fault.Keyword));
        Assert.StartsWith($"'{words}'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("create person Ana Lima, country Atlantis", "/payload/country", "Atlantis")]
    [InlineData("create person Ana Lima, country Korea", "/payload/country", "Korea")]
    [InlineData("create person Ana Lima, email ana", "/payload/email", "ana")]
    [InlineData("create person Ana Lima, consent maybe", "/payload/consent", "maybe")]
    [InlineData("create person Ana Lima, phone 912345678", "/payload/phone", "912345678")]
    [InlineData("create person Ana Lima, born 31/02/1990", "/payload/birth_date", "31/02/1990")]
    [InlineData("create person R2D2", "/payload/name", "R2D2")]
    [InlineData("deploy mc:vv/web@blake3:abcd to podman service web", "/payload/ref", "mc:vv/web@blake3:abcd")]
    [InlineData("deploy " + Ref + " to podman service web not today", "/payload/target/service", "web not today")]
    [InlineData("stop web", "/payload/run_id", "web")]
    [InlineData("aplicar manifesto nome meu site", "/subject", "meu site")]
    public void ValueCannotBeRead_KeptAsWrittenAndReported(string text, string path, string written)
    {
        var compiled = Compiled(text);
        var fault = Assert.Single(compiled.Faults);
        Assert.Equal((path, "normalize"), (fault.Path, fault.Keyword));
        Assert.Contains($"'{written}'", fault.Message, StringComparison.Ordinal);
        Assert.True(path == "/subject" || compiled.Json().Contains($"\"{written}\"", StringComparison.Ordinal));
    }

    [Fact]
    public void FieldGivenTwiceDifferently_Reported()
    {
        var compiled = Compiled("create person Ana Lima, email a@b.pt, email c@d.pt");
        Assert.Equal(("/payload/email", "consistency"), (compiled.Faults[0].Path, compiled.Faults[0].Keyword));
        Assert.Empty(Compiled("create person Ana Lima, email a@b.pt, email a@b.pt").Faults);
    }

    [Fact]
    public void FaultsBeyondNumber_AreBounded() => Assert.Equal(16, Compiled("cancel run_abc" + string.Concat(Enumerable.Repeat(", x y", 700))).Faults.Count);

    [Theory]
    [InlineData("create person \"John Country Doe\", country PT", "John Country Doe")]
    [InlineData("create person “Silva-e-Sousa e Email”, country PT", "Silva-e-Sousa e Email")]
    [InlineData("create person «ana de VRIES», country PT", "ana de VRIES")]
    [InlineData("create person 'Conan O'Brien', country PT", "Conan O'Brien")]
    [InlineData("create person name: \"Ana Lima\", country PT", "Ana Lima")]
    [InlineData("create person Conan O'Brien, country PT", "Conan O'Brien")]
    public void Quotes_ProtectTheValue(string text, string name) =>
        Assert.Contains($"\"name\":\"{name}\"", Compiled(text).Json(), StringComparison.Ordinal);

    [Theory]
    [InlineData("cadastrar pessoa: joana silva")]
    [InlineData("cadastrar pessoa nome: joana silva")]
    [InlineData("create a person named Joana Silva")]
    [InlineData("registry.person.create name=\"Joana Silva\"")]
    [InlineData("oi, por favor queria registrar uma nova cliente Joana Silva, obrigado!")]
    public void SeveralWaysToSayIt_OneSpan(string text)
    {
        Assert.Equal(Compiled("create person Joana Silva").Hash, Compiled(text).Hash);
        Assert.Empty(Compiled(text).Faults);
    }

    [Fact]
    public void FreeText_KeepsCaseAndLosesOnlyRunsOfSpace()
    {
        Assert.Contains("\"reason\":\"it Hangs on CPU 0\"", Compiled("cancel run_abc because it  Hangs on   CPU 0, please").Json(), StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"a,  b; c\"", Compiled("cancel run_abc reason \"a,  b; c\"").Json(), StringComparison.Ordinal);
        Assert.Contains("\"project_id\":\"Rw1\"", Compiled($"deploy {Ref} to railway project Rw1 service web").Json(), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_AreFields()
    {
        var compiled = Compiled("criar pessoa\n- nome: joão DOS santos\n- e-mail: j@s.pt\n- país: Cabo Verde\n- consentimento: não");
        Assert.Equal("""{"intent":"registry.person.create","payload":{"consent":false,"country":"CV","email":"j@s.pt","name":"João dos Santos"},"subject":"urn:registry:person/joao_d_santos"}""", compiled.Json());
        Assert.Equal(["payload.name", "payload.country", "payload.consent"], compiled.Normalised);
    }

    [Theory]
    [InlineData("status de urn:minicontainer:vv/web", "GET", "/v1/state/view?subject=urn%3Aminicontainer%3Avv%2Fweb", null)]
    [InlineData("What is the status of urn:container:vv/web?", "GET", "/v1/state/view?subject=urn%3Acontainer%3Avv%2Fweb", null)]
    [InlineData("status de " + Ref, "GET", "/v1/state/view?subject=urn%3Aminicontainer%3Avv%2Fweb", null)]
    [InlineData("qual é o estado de run_abc, por favor?", "GET", "/v1/runs/run_abc", null)]
    [InlineData("logs of run_abc", "GET", "/v1/runs/run_abc/logs", null)]
    [InlineData("histórico de urn:minicontainer:vv/web", "POST", "/v1/spans/query", """{"subject":"urn:minicontainer:vv/web"}""")]
    [InlineData("recibo de urn:span:650e8400-e29b-41d4-a716-446655440010", "GET", "/v1/spans/urn%3Aspan%3A650e8400-e29b-41d4-a716-446655440010/receipt", null)]
    public void Question_IsAQueryHint(string text, string method, string path, string? body)
    {
        var query = Assert.IsType<TdlnResult.Question>(Real.Compile(text, Tenant));
        Assert.Equal((method, path, body), (query.Method, query.Path, query.Body is null ? null : System.Text.Encoding.UTF8.GetString(query.Body.Utf8.Span)));
    }

    [Theory]
    [InlineData("status de algo")]
    [InlineData("status de run_abc e depois cancelar")]
    public void QuestionThatNamesNothing_IsUnknown(string text) => Assert.Equal(TdlnRefusal.UnknownIntent, Refused(text).Reason);

    [Fact]
    public void EmptyText_Refused() => Assert.Equal(TdlnRefusal.Empty, Refused(" \n ").Reason);

    [Fact]
    public void LongestText_IsReadAndOneMoreRefused()
    {
        var longest = "cancel run_abc because " + new string('x', TdlnGrammar.MaxCharacters - 23);
        Assert.Empty(Compiled(longest).Faults);
        Assert.Equal(TdlnRefusal.TooLong, Refused(longest + "x").Reason);
        var runes = "cancel run_abc because " + string.Concat(Enumerable.Repeat("😀", TdlnGrammar.MaxCharacters - 23));
        Assert.Empty(Compiled(runes).Faults);
    }

    [Theory]
    [InlineData(0xd800)]
    [InlineData(0xdc00)]
    [InlineData(0xfffe)]
    public void NoWholeCharacter_Refused(int unit) => Assert.Equal(TdlnRefusal.Unreadable, Refused($"criar pessoa {(char)unit}x").Reason);
}
