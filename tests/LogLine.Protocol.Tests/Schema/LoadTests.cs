using System.Text;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

public sealed class LoadTests
{
    [Theory]
    [InlineData("{\"$dynamicRef\":\"#a\"}", "", "$dynamicRef")]
    [InlineData("{\"$dynamicAnchor\":\"a\"}", "", "$dynamicAnchor")]
    [InlineData("{\"$vocabulary\":{}}", "", "$vocabulary")]
    [InlineData("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "", "$schema")]
    [InlineData("{\"properties\":{\"a\":{\"foo\":1}}}", "/properties/a", "foo")]
    [InlineData("{\"definitions\":{}}", "", "definitions")]
    [InlineData("{\"$defs\":{\"unused\":{\"type\":\"text\"}}}", "/$defs/unused", "type")]
    [InlineData("{\"type\":[]}", "", "type")]
    [InlineData("{\"type\":[\"string\",\"string\"]}", "", "type")]
    [InlineData("{\"enum\":1}", "", "enum")]
    [InlineData("{\"items\":[true]}", "/items", "")]
    [InlineData("{\"allOf\":[]}", "", "allOf")]
    [InlineData("{\"anyOf\":{}}", "", "anyOf")]
    [InlineData("{\"minLength\":-1}", "", "minLength")]
    [InlineData("{\"minLength\":1.5}", "", "minLength")]
    [InlineData("{\"minimum\":\"1\"}", "", "minimum")]
    [InlineData("{\"multipleOf\":0}", "", "multipleOf")]
    [InlineData("{\"multipleOf\":-2}", "", "multipleOf")]
    [InlineData("{\"multipleOf\":1.2345678901234567891}", "", "multipleOf")]
    [InlineData("{\"uniqueItems\":1}", "", "uniqueItems")]
    [InlineData("{\"required\":[\"a\",\"a\"]}", "", "required")]
    [InlineData("{\"required\":[1]}", "", "required")]
    [InlineData("{\"dependentRequired\":{\"a\":\"b\"}}", "", "dependentRequired")]
    [InlineData("{\"type\":\"string\",\"type\":\"object\"}", "", "type")]
    [InlineData("{\"format\":\"iri\"}", "", "format")]
    [InlineData("{\"$ref\":\"https://example.com/elsewhere\"}", "", "$ref")]
    [InlineData("{\"$ref\":\"#/$defs/none\"}", "", "$ref")]
    [InlineData("{\"$ref\":\"#none\"}", "", "$ref")]
    [InlineData("{\"$ref\":1}", "", "$ref")]
    [InlineData("{\"$id\":\"https://example.com/a#b\"}", "", "$id")]
    [InlineData("{\"$defs\":{\"a\":{\"$id\":\"urn:x\"},\"b\":{\"$id\":\"urn:x\"}}}", "/$defs/b", "$id")]
    [InlineData("{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "/$defs/b", "$anchor")]
    [InlineData("{\"pattern\":\"^(abc]\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"(?=a)b\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"(?<!a)b\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"(a)\\\\1\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"\\\\ba\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"\\\\p{Script=Greek}\"}", "", "pattern")]
    [InlineData("{\"pattern\":\"(?i)a\"}", "", "pattern")]
    [InlineData("{\"patternProperties\":{\"(\":true}}", "", "patternProperties")]
    [InlineData("[]", "", "")]
    [InlineData("{", "", "$schema")]
    [InlineData("{} {}", "", "$schema")]
    public void SchemaThatCannotBeHeldTo_IsRefusedAtItsKeyword(string schema, string pointer, string keyword)
    {
        var fault = Assert.Throws<SchemaLoadException>(() => JsonSchema.Load(Encoding.UTF8.GetBytes(schema)));
        Assert.Equal((pointer, keyword), (fault.Pointer, fault.Keyword));
    }

    [Theory]
    [InlineData("{\"$ref\":\"#\"}")]
    [InlineData("{\"allOf\":[{\"$ref\":\"#\"}]}")]
    [InlineData("{\"not\":{\"$ref\":\"#\"}}")]
    [InlineData("{\"if\":true,\"then\":{\"$ref\":\"#\"}}")]
    [InlineData("{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}")]
    [InlineData("{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},true]}}}")]
    public void SchemaThatAppliesItselfToTheSameValue_IsRefused(string schema)
    {
        var fault = Assert.Throws<SchemaLoadException>(() => JsonSchema.Load(Encoding.UTF8.GetBytes(schema)));
        Assert.Contains("without end", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"x-logline\":{\"kind\":\"a\"},\"x-anything\":1}")]
    [InlineData("{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[1],\"deprecated\":true,\"readOnly\":true,\"writeOnly\":true,\"$comment\":\"c\"}")]
    [InlineData("{\"contentEncoding\":\"base64\",\"contentMediaType\":\"text/plain\",\"contentSchema\":{\"foo\":1}}")]
    public void Annotations_AreAccepted(string schema) => Assert.True(Schemas.Accepts(schema, "1"));

    [Theory]
    [InlineData("7B2274797065223A22D3227D")] // {"type":"\xD3"}
    [InlineData("7B22D3223A747275657D")] // {"\xD3":true}
    [InlineData("7B22656E756D223A5B22ED A080225D7D")] // {"enum":["\xED\xA0\x80"]}, half of a surrogate pair
    [InlineData("7B22636F6E7374223A225C7564383030227D")] // {"const":"\ud800"}, half of one as an escape
    [InlineData("7B225C7564633030223A317D")] // {"\udc00":1}
    public void SchemaThatIsNoText_IsRefused(string hex) =>
        Assert.Equal("$schema", Assert.Throws<SchemaLoadException>(() => JsonSchema.Load(Convert.FromHexString(hex.Replace(" ", "")))).Keyword);

    [Fact]
    public void SchemaWithEscapedPairs_IsAccepted() => Assert.True(Schemas.Accepts("""{"const":"\ud83d\udcee"}""", "\"📮\""));

    [Fact]
    public void ReferencesBetweenDocuments_AreFollowedInTheRegistry()
    {
        var registry = new SchemaRegistry();
        registry.Add("""{"$id":"https://logline.test/common.json","$defs":{"name":{"$anchor":"name","type":"string","pattern":"^[a-z]+$"}}}"""u8);
        registry.Add("""{"$id":"https://logline.test/grant.json","properties":{"owner":{"$ref":"common.json#name"}}}"""u8);

        var schema = JsonSchema.Load("""{"$id":"https://logline.test/intent.json","properties":{"grant":{"$ref":"/grant.json"}}}"""u8, registry);

        Assert.True(Schemas.Accepts(schema, """{"grant":{"owner":"joana"}}"""));
        Assert.Equal("/grant/owner", Assert.Single(schema.Validate(Schemas.Parse("""{"grant":{"owner":"J"}}"""))).Path);
    }

    [Fact]
    public void DocumentWithoutIdOrWithATakenOne_IsNotRegistered()
    {
        var registry = new SchemaRegistry();
        registry.Add("""{"$id":"urn:a"}"""u8);
        Assert.Throws<SchemaLoadException>(() => registry.Add("{}"u8));
        Assert.Throws<SchemaLoadException>(() => registry.Add("""{"$id":"urn:a"}"""u8));
    }

    [Fact]
    public void FaultInARegisteredDocument_IsFoundWhenItIsReferredTo()
    {
        var registry = new SchemaRegistry();
        registry.Add("""{"$id":"urn:bad","type":"text"}"""u8);
        Assert.Throws<SchemaLoadException>(() => JsonSchema.Load("""{"$ref":"urn:bad"}"""u8, registry));
    }
}
