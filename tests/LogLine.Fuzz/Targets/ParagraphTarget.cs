using System.Text;
using System.Text.Json.Nodes;
using LogLine.Api.Gate;
using LogLine.Fuzz.Hosting;
using LogLine.Fuzz.Mutation;
using LogLine.Protocol.Json;
using LogLine.Protocol.Tdln;

namespace LogLine.Fuzz.Targets;

/// <summary>The grammar: an input is a body of <c>/v1/universal</c>. Whatever it says there is an answer, and it is the same the second time.</summary>
internal sealed class ParagraphTarget : IFuzzTarget
{
    private const string Ref = "mc:dev/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly string[] Written =
    [
        "Quero cadastrar pessoa Joana Maria Silva, email Joana@EX.com, país Portugal, consent ok", "create person John Doe", "criar algo", $"deploy {Ref} to railway project rw1 service web", $"subir {Ref} para podman serviço web",
        "aplicar manifesto", "parar run_00000000000000000000000000000000", "status de urn:minicontainer:vv/web", "create person \"Doe, John\" email = a@b.c country: Brasil consent sim phone 912 345 678 birth date 17/11/2025",
    ];

    private readonly TdlnGrammar _grammar = FuzzGateway.Catalogue.Grammar;

    public IReadOnlyList<byte[]> Seeds { get; } = [.. Written.Concat(FuzzGateway.Catalogue.All.SelectMany(Phrases)).Select(Body)];

    public byte[] Mutate(byte[] input, byte[] other, Random random)
    {
        if (random.Next(4) == 0 || Mutation.Json.Parse(input) is not JsonObject body || body["paragraph"] is not JsonValue text || text.GetValueKind() != System.Text.Json.JsonValueKind.String)
        {
            return Mutation.Json.Change(input, other, random);
        }
        body["paragraph"] = Texts.Change(text.GetValue<string>(), random);
        return Mutation.Json.Write(body);
    }

    public string Run(byte[] input)
    {
        if (!CanonicalJson.TryRead(input, out var json, out _) || json.Root.Text("paragraph") is not { } paragraph)
        {
            return "no-paragraph";
        }
        var context = new TdlnContext("dev")
        {
            IntentHint = json.Root.Text("intent_hint"),
            Span = json.Root.Member("span"),
            Country = json.Root.Member("ctx").Text("country"),
            SubjectOfRun = runId => runId.EndsWith('0') ? "urn:minicontainer:dev/web" : null,
        };
        var result = _grammar.Compile(paragraph, context);
        if (Said(result) != Said(_grammar.Compile(paragraph, context)))
        {
            throw new BrokenPromiseException("The same text has another meaning the second time.");
        }
        return Kind(result);
    }

    private static string Kind(TdlnResult result) => result switch
    {
        TdlnResult.Compiled compiled => $"compiled {compiled.Span.Root.Text("intent")} {compiled.Language} {compiled.Normalised.Count} {string.Join(' ', compiled.Faults.Select(fault => fault.Keyword + fault.Path).Order(StringComparer.Ordinal).Take(4))}",
        TdlnResult.Question question => $"question {question.Method} {question.Path.Split('?')[0].Length}",
        TdlnResult.NotUnderstood refused => $"refused {refused.Reason} {refused.Language}",
        _ => throw new BrokenPromiseException($"A {result.GetType().Name} is no answer of the grammar."),
    };

    private static string Said(TdlnResult result) => result switch
    {
        TdlnResult.Compiled compiled => compiled.Hash + string.Join('\n', compiled.Faults.Select(fault => fault.Message)),
        TdlnResult.Question question => question.Method + question.Path,
        TdlnResult.NotUnderstood refused => refused.SuggestedReply,
        _ => "",
    };

    // Each phrase with its first alternatives, and behind it the fields of the schema's example.
    private static IEnumerable<string> Phrases(IntentDefinition intent)
    {
        var example = IntentExample.Of(intent, "dev")?.Root.Member("payload") ?? default;
        foreach (var language in (string[])["en", "pt"])
        {
            foreach (var phrase in intent.Document.Member("x-logline").Member("phrases").Texts(language))
            {
                var words = phrase.Split(' ').Select(word => word is ['{', .. var name, '}'] ? example.Text(name) ?? "web" : word.Split('|')[0]);
                var fields = example.ValueKind == System.Text.Json.JsonValueKind.Object ? example.EnumerateObject().Select(member => $", {member.Name} {member.Value}") : [];
                yield return string.Join(' ', words);
                yield return string.Join(' ', words) + string.Concat(fields);
            }
        }
    }

    private static byte[] Body(string paragraph) => Mutation.Json.Write(new JsonObject { ["paragraph"] = paragraph, ["ctx"] = new JsonObject { ["country"] = "PT" } });

    public void Renew()
    {
    }

    public void Dispose()
    {
    }
}
