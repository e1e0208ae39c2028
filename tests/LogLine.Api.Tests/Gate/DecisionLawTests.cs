using System.Net;
using System.Text.Json.Nodes;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

/// <summary>Laws of the decision (row 11): what is left out is repaired or asked for, exactly and at once, whatever it is.</summary>
public sealed class DecisionLawTests
{
    private static readonly string[] Fillable = ["schema_version", "entity_type", "this", "did", "ts", "payload.kind"];
    private static readonly string[] Required = ["payload.consent", "payload.country", "payload.email", "payload.name"];

    [Fact]
    public async Task WhatAnUnsignedSpanLeavesOut_IsRepaired_NothingElseIsTouched_AndThenItIsPerfect()
    {
        await using var gateway = await TestGateway.StartAsync();
        await Laws.HoldAsync(40, async random =>
        {
            var left = random.Some(Fillable);
            var sent = Without(Person(), left);

            var ack = await gateway.PostAsync(sent.ToJsonString());
            var stored = JsonNode.Parse((await gateway.GetAsync("/v1/spans/" + ack.Json.Text("this"))).Body)!.AsObject();
            var perfect = stored.DeepClone().AsObject();
            perfect["this"] = GatewayActs.NewThis();
            var again = await gateway.PostAsync(perfect.ToJsonString());

            Assert.Equal(left, ack.Json.Texts("repaired"));
            Assert.Empty(again.Json.Texts("repaired"));
            Assert.True(JsonNode.DeepEquals(sent, Without(stored, left)), $"{sent} became {stored}");
        });
    }

    [Fact]
    public async Task WhatASignedSpanLeavesOut_IsAskedFor_AllOfItAtOnce()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        await Laws.HoldAsync(40, async random =>
        {
            var left = random.Some(Fillable.Concat(Required));
            var span = CanonicalJson.Parse(Without(Person(), left).ToJsonString());

            var answer = await gateway.PostAsync(BadInputTests.Text(SpanDocument.Sign(span, TestGateway.Kid, gateway.Key)));

            Assert.Equal(left.Order(StringComparer.Ordinal), answer.Json.Texts("missing_fields").Order(StringComparer.Ordinal));
            Assert.Equal(left.Count == 0 ? HttpStatusCode.OK : HttpStatusCode.UnprocessableEntity, answer.Status);
        });
    }

    [Fact]
    public async Task AnsweringWhatIsAskedFor_IsEnough()
    {
        await using var gateway = await TestGateway.StartAsync();
        await Laws.HoldAsync(40, async random =>
        {
            var whole = Person();
            var left = random.Some(Required.Concat(Fillable));
            var asked = await gateway.PostAsync(Without(whole, left).ToJsonString());
            var missing = asked.Json.Texts("missing_fields");
            Assert.Equal(left.Intersect(Required).Order(StringComparer.Ordinal), missing.Order(StringComparer.Ordinal));
            if (missing.Count == 0)
            {
                Assert.Equal(HttpStatusCode.OK, asked.Status);
                return;
            }

            var answered = JsonNode.Parse(asked.Json.GetProperty("partial_span").GetRawText())!.AsObject();
            foreach (var field in missing)
            {
                answered["payload"]!.AsObject()[field["payload.".Length..]] = whole["payload"]![field["payload.".Length..]]!.DeepClone();
            }

            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(answered.ToJsonString())).Status);
        });
    }

    [Fact]
    public async Task OrderAndSpacing_DoNotChangeTheCompiledHash()
    {
        await using var gateway = await TestGateway.StartAsync();
        var first = await HashAsync(Person().ToJsonString());
        await Laws.HoldAsync(20, async random => Assert.Equal(first, await HashAsync(Shuffled(Person(), random).ToJsonString(new() { WriteIndented = random.Next(2) == 0 }))));

        async Task<string?> HashAsync(string span) => (await gateway.PostAsync($$"""{"span":{{span}}}""", path: "/v1/universal")).Json.Text("compiled_hash");
    }

    /// <summary>A span in which nothing is missing.</summary>
    private static JsonObject Person() => new()
    {
        ["schema_version"] = SpanDocument.SchemaVersion,
        ["entity_type"] = "contract",
        ["this"] = GatewayActs.NewThis(),
        ["did"] = new JsonObject { ["actor"] = "usr_law", ["action"] = "append" },
        ["intent"] = "registry.person.create",
        ["subject"] = "urn:registry:person/joana",
        ["payload"] = new JsonObject { ["kind"] = "registry/person.v1", ["name"] = "Joana", ["email"] = "j@example.com", ["country"] = "PT", ["consent"] = true },
        ["ts"] = "2026-11-20T12:00:00.000Z",
    };

    private static JsonObject Without(JsonObject span, IEnumerable<string> fields)
    {
        var rest = span.DeepClone().AsObject();
        foreach (var field in fields)
        {
            (field.StartsWith("payload.", StringComparison.Ordinal) ? rest["payload"]!.AsObject() : rest).Remove(field[(field.LastIndexOf('.') + 1)..]);
        }
        return rest;
    }

    private static JsonNode Shuffled(JsonNode node, Random random)
    {
        if (node is not JsonObject members)
        {
            return node.DeepClone();
        }
        var order = members.ToArray();
        random.Shuffle(order);
        return new JsonObject(order.Select(member => KeyValuePair.Create(member.Key, (JsonNode?)Shuffled(member.Value!, random))));
    }
}
