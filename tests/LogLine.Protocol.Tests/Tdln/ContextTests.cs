using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>The text together with a partial span, a document, a hint.</summary>
public sealed class ContextTests
{
    private const string Manifest = """{"type":"ll.minicontainer.v1","version":"1.0.0"}""";

    [Theory]
    [InlineData("aplicar manifesto nome web")]
    [InlineData("please apply the manifest, name: web")]
    public void Manifest_BecomesThePayload(string text) => Assert.Equal(
        $$$"""{"intent":"minicontainer.apply","payload":{"manifest":{{{Manifest}}}},"subject":"urn:minicontainer:vv/web"}""",
        Compiled(text, Tenant with { Span = Given(Manifest) }).Json());

    [Fact]
    public void ManifestWithoutName_HasNoSubject() => Assert.Equal(
        $$$"""{"intent":"minicontainer.apply","payload":{"manifest":{{{Manifest}}}}}""", Compiled("aplicar manifesto", Tenant with { Span = Given(Manifest) }).Json());

    [Fact]
    public void PartialSpanWithManifest_KeepsItsSubject() => Assert.Equal(
        $$$"""{"intent":"minicontainer.apply","payload":{"manifest":{{{Manifest}}}},"subject":"urn:minicontainer:vv/api"}""",
        Compiled("aplicar manifesto", Tenant with { Span = Given($$$"""{"subject":"urn:minicontainer:vv/api","payload":{"manifest":{{{Manifest}}}}}""") }).Json());

    [Fact]
    public void DocumentThatTheIntentDoesNotTake_Contradicts() =>
        Assert.Equal(TdlnRefusal.Contradiction, Refused("parar run_abc", Tenant with { Span = Given(Manifest) }).Reason);

    [Fact]
    public void PartialSpan_IsCompletedMemberByMember()
    {
        var given = Given($$$$"""{"prev":"urn:span:650e8400-e29b-41d4-a716-446655440010","intent":"deploy.apply","payload":{"ref":"{{{{Ref}}}}","target":{"provider":"podman"}}}""");
        Assert.Equal(
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"provider":"podman","service":"web"}},"prev":"urn:span:650e8400-e29b-41d4-a716-446655440010","subject":"urn:minicontainer:vv/web"}""",
            Compiled("serviço: web", Tenant with { Span = given }).Json());
        Assert.Equal(
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"provider":"podman"}},"prev":"urn:span:650e8400-e29b-41d4-a716-446655440010","subject":"urn:minicontainer:vv/web"}""",
            Compiled("", Tenant with { Span = given }).Json());
    }

    [Fact]
    public void TextAndSpanDiffer_SpanStaysAndTheFaultIsReported()
    {
        var compiled = Compiled("país Brasil, email a@b.pt", Tenant with { Span = Given("""{"intent":"registry.person.create","payload":{"country":"PT","email":"a@b.pt"}}""") });
        Assert.Contains("\"country\":\"PT\"", compiled.Json(), StringComparison.Ordinal);
        Assert.Equal(("/payload/country", "consistency"), (Assert.Single(compiled.Faults).Path, compiled.Faults[0].Keyword));
    }

    [Fact]
    public void TextAndSpanNameDifferentIntents_Contradicts() =>
        Assert.Equal(TdlnRefusal.Contradiction, Refused("parar run_abc", Tenant with { Span = Given("""{"intent":"deploy.apply"}""") }).Reason);

    [Fact]
    public void SignedSpan_IsNeverAddedTo()
    {
        var signed = Tenant with { Span = Given("""{"intent":"registry.person.create","payload":{},"signature":{"kid":"k"}}""") };
        Assert.Equal(TdlnRefusal.Contradiction, Refused("email a@b.pt", signed).Reason);
        Assert.Equal("""{"intent":"registry.person.create","payload":{},"signature":{"kid":"k"}}""", Compiled("", signed).Json());
    }

    [Fact]
    public void Hint_ReadsATextOfFields() => Assert.Equal(
        """{"intent":"registry.person.create","payload":{"email":"a@b.pt","name":"Ana Lima"},"subject":"urn:registry:person/ana_lima"}""",
        Compiled("name: ana lima, email: A@b.pt", Tenant with { IntentHint = "registry.person.create" }).Json());

    [Fact]
    public void HintAndTextNameDifferentIntents_Ambiguous() =>
        Assert.Equal(TdlnRefusal.Ambiguous, Refused("parar run_abc", Tenant with { IntentHint = "deploy.apply" }).Reason);

    [Theory]
    [InlineData("no.such")]
    [InlineData("gate.refused")]
    public void HintIsNoIntentOfClients_Unknown(string hint) =>
        Assert.Equal(TdlnRefusal.UnknownIntent, Refused("parar run_abc", Tenant with { IntentHint = hint }).Reason);

    [Fact]
    public void Run_GivesItsSubject()
    {
        var context = Tenant with { SubjectOfRun = run => run == "run_abc" ? "urn:minicontainer:vv/web" : null };
        Assert.Equal("""{"intent":"run.cancel","payload":{"run_id":"run_abc"},"subject":"urn:minicontainer:vv/web"}""", Compiled("parar run_abc", context).Json());
        Assert.Equal("""{"intent":"run.cancel","payload":{"run_id":"run_x"}}""", Compiled("parar run_x", context).Json());
        Assert.Contains("\"subject\":\"urn:container:vv/db\"", Compiled("parar run_x sujeito urn:container:vv/db", context).Json(), StringComparison.Ordinal);
    }

    [Fact]
    public void NationalNumber_IsReadInTheCountryThatIsNamed()
    {
        Assert.Contains("\"phone\":\"+351912345678\"", Compiled("create person Ana, phone 912 345 678, country Portugal").Json(), StringComparison.Ordinal);
        Assert.Contains("\"phone\":\"+5511987654321\"", Compiled("create person Ana, phone 011 98765-4321", Tenant with { Country = "BR" }).Json(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"intent":"deploy.apply","payload":{"x":1.5}}""")]
    [InlineData("""{"intent":"deploy.apply","a":1e3}""")]
    [InlineData("""{"type":"ll.minicontainer.v1","version":0.1}""")]
    public void ContextWithoutCanonicalForm_Refused(string span) =>
        Assert.Equal(TdlnRefusal.Unreadable, Refused(span.Contains("type") ? "aplicar manifesto" : "service: web", Tenant with { Span = Given(span) }).Reason);

    [Fact]
    public void DocumentAtTheDeepestLevel_RefusedNotThrown()
    {
        var deep = """{"type":"ll.minicontainer.v1","x":""" + new string('[', 31) + new string(']', 31) + "}";
        Assert.Equal(TdlnRefusal.Unreadable, Refused("aplicar manifesto", Tenant with { Span = Given(deep) }).Reason);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("\"x\"")]
    public void SpanIsNoObject_Refused(string span) => Assert.Equal(TdlnRefusal.Unreadable, Refused("parar run_abc", Tenant with { Span = Given(span) }).Reason);

    [Fact]
    public void NameInTheContextHoldsNoCharacter_IsNotThrown() => Assert.Contains(
        "\"subject\":\"urn:registry:person/ana_lima\"",
        Compiled("", Tenant with { Span = Given("{\"intent\":\"registry.person.create\",\"payload\":{\"name\":\"Aná\ufffe Lima\"}}") }).Json(), StringComparison.Ordinal);

    [Fact]
    public void PayloadIsNoObject_IsLeftToTheSchema() =>
        Assert.Equal("""{"intent":"run.cancel","payload":7}""", Compiled("parar run_abc", Tenant with { Span = Given("""{"payload":7}""") }).Json());
}
