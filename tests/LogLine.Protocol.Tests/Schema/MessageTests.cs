using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

public sealed class MessageTests
{
    private const string Ref = "^mc:[a-z0-9]+/[a-z0-9]+@blake3:[0-9a-f]{4}$";

    [Theory]
    [InlineData("{\"type\":\"string\"}", "7", "type", "payload.ref must be string, found 7")]
    [InlineData("{\"type\":[\"string\",\"null\"]}", "{\"a\":1}", "type", "payload.ref must be string or null, found an object of 1 member")]
    [InlineData("{\"enum\":[\"docker\",\"podman\",3]}", "\"dokcer\"", "enum", "payload.ref must be one of \"docker\", \"podman\", 3, found \"dokcer\"")]
    [InlineData("{\"const\":\"1.1.0\"}", "\"1.0\"", "const", "payload.ref must be \"1.1.0\", found \"1.0\"")]
    [InlineData("{\"pattern\":\"" + Ref + "\",\"examples\":[\"mc:vv/web@blake3:64a1\"]}", "\"web\"", "pattern",
        "payload.ref must match " + Ref + " (example mc:vv/web@blake3:64a1), found \"web\"")]
    [InlineData("{\"maxLength\":3}", "\"çãéí\"", "maxLength", "payload.ref must have at most 3 characters, found 4 characters")]
    [InlineData("{\"minItems\":1}", "[]", "minItems", "payload.ref must have at least 1 element, found 0 elements")]
    [InlineData("{\"minimum\":1}", "-0.5", "minimum", "payload.ref must be at least 1, found -0.5")]
    [InlineData("{\"format\":\"date\"}", "\"17/11/2025\"", "format", "payload.ref must be a date of RFC 3339 (2025-11-17), found \"17/11/2025\"")]
    [InlineData("{\"type\":\"integer\",\"description\":\"seconds to wait\"}", "1.5", "type", "payload.ref must be integer, found 1.5 (seconds to wait)")]
    [InlineData("{\"not\":{\"const\":1}}", "1", "not", "payload.ref must not be what the schema excludes, found 1")]
    [InlineData("{\"uniqueItems\":true}", "[1,1.0]", "uniqueItems", "payload.ref must not have an element twice, found an array of 2 elements")]
    [InlineData("false", "1", "false", "payload.ref is not accepted, found 1")]
    public void Fault_IsToldWithFieldAcceptedAndFound(string schema, string instance, string keyword, string message)
    {
        var error = Assert.Single(Schemas.Errors(schema, instance, "/payload/ref"));
        Assert.Equal(new SchemaError("/payload/ref", keyword, message), error with { Accepted = null, Found = null });
    }

    [Fact]
    public void AllErrors_AreReportedAtOnceInDocumentOrder()
    {
        var errors = Schemas.Errors("""
            {"required":["ref","target"],"additionalProperties":false,"properties":{
              "ref":{"type":"string"},
              "count":{"minimum":5,"multipleOf":2},
              "target":{"type":"object","required":["service"],"properties":{"provider":{"enum":["docker"]},"service":{"type":"string"}}}}}
            """, """{"count":3,"target":{"provider":"x"},"wrong":1}""", "/payload");
        Assert.Equal(
            ["minimum /payload/count", "multipleOf /payload/count", "enum /payload/target/provider", "required /payload/target/service",
                "additionalProperties /payload/wrong", "required /payload/ref"],
            errors.Select(e => $"{e.Keyword} {e.Path}"));
    }

    [Fact]
    public void MissingMember_IsNamedWithWhatItShouldBe()
    {
        var error = Assert.Single(Schemas.Errors("""
            {"required":["service"],"properties":{"service":{"type":"string","pattern":"^[a-z]+$","examples":["web"],"description":"the name of the service"}}}
            """, "{}", "/payload/target"));
        Assert.Equal(("/payload/target/service", "required", "service"), (error.Path, error.Keyword, error.MissingProperty));
        Assert.Equal("payload.target.service is required (string matching ^[a-z]+$ (example web)): the name of the service", error.Message);
    }

    [Fact]
    public void UnknownMember_IsToldWhatIsKnown() =>
        Assert.Equal("nmae is not a known member; accepted are name, email", Assert.Single(Schemas.Errors(
            """{"properties":{"name":true,"email":true},"additionalProperties":false}""", """{"nmae":1}""")).Message);

    [Fact]
    public void NamesInPointers_AreEscaped() =>
        Assert.Equal("/a~1b~0c", Assert.Single(Schemas.Errors("""{"additionalProperties":false}""", """{"a/b~c":1}""")).Path);

    [Fact]
    public void AlternativesThatEachLackAMember_AskForOneOfThem()
    {
        var error = Assert.Single(Schemas.Errors("""{"anyOf":[{"required":["manifest"]},{"required":["ref"]}]}""", "{}", "/payload"));
        Assert.Equal(("/payload/manifest", "required", "payload.manifest or payload.ref is required"), (error.Path, error.Keyword, error.Message));
    }

    [Fact]
    public void AlternativeThatIsPlainlyMeant_GivesItsOwnErrors()
    {
        var error = Assert.Single(Schemas.Errors(Providers, """{"provider":"railway","service":"web"}"""));
        Assert.Equal(("/project_id", "required"), (error.Path, error.Keyword));
    }

    [Fact]
    public void AlternativesToldApartByAConstant_AreListed()
    {
        var error = Assert.Single(Schemas.Errors(Providers, """{"provider":"heroku","service":"web"}"""));
        Assert.Equal(("/provider", "oneOf", "provider must be one of \"podman\", \"railway\", found \"heroku\""), (error.Path, error.Keyword, error.Message));
    }

    [Fact]
    public void ValueInAMessage_IsCutAtSixtyFourCharacters()
    {
        var message = Assert.Single(Schemas.Errors("""{"const":1}""", $"\"{new string('x', 300)}\\n\"")).Message;
        Assert.Contains($"\"{new string('x', 63)}…\"", message, StringComparison.Ordinal);
    }

    [Fact]
    public void ControlCharacters_DoNotReachAMessage() =>
        Assert.DoesNotContain('\n', Assert.Single(Schemas.Errors("""{"const":1}""", "\"a\\nb\"")).Message);

    private const string Providers = """
        {"oneOf":[
          {"required":["service"],"properties":{"provider":{"const":"podman"}}},
          {"required":["service","project_id"],"properties":{"provider":{"const":"railway"}}}]}
        """;
}
