using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary><c>logline catalog</c>: what can be sent; of one intent an example, which <c>logline spans send -</c> takes.</summary>
internal static class CatalogCommand
{
    public static Command Create(CommandTree tree)
    {
        var intent = new Argument<string?>("INTENT") { Arity = ArgumentArity.ZeroOrOne, Description = "One intent (deploy.apply), or all that begin so (container) [all that clients send]." };
        var example = new Option<bool>("--example") { Description = "Nothing but the example of one intent, ready for 'logline spans send -'." };
        return tree.Leaf("catalog", "Show what can be sent.", call => RunAsync(call, call.GetOptional(intent), call.Get(example)), intent, example);
    }

    private static async Task<int> RunAsync(Call call, string? intent, bool example)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/catalog", call.Stop)).Fails(out failure, out var catalogue))
        {
            return call.Screen.Refuse(failure);
        }
        var all = catalogue.Items("items").Where(item => item.Text("sender") == "client").ToList();
        var chosen = all.Where(item => intent is null || item.Text("intent") == intent || item.Text("intent")!.StartsWith(intent.TrimEnd('.', '*') + ".", StringComparison.Ordinal)).ToList();
        if (chosen.Count == 0)
        {
            return call.Screen.Refuse(CommandFailure.Usage($"There is no intent '{intent}' that a client sends.", "logline catalog"));
        }
        if (example)
        {
            return chosen.Count == 1 && chosen[0].Member("example") is { ValueKind: JsonValueKind.Object } span
                ? Example(call, span)
                : call.Screen.Refuse(CommandFailure.Usage($"--example wants one intent that has one; {chosen.Count} match.", "logline catalog deploy.apply --example"));
        }
        return call.Screen.Result(json => Write(json, chosen), line =>
        {
            if (chosen.Count == 1 && intent is not null)
            {
                One(chosen[0], line);
                return;
            }
            var width = chosen.Max(item => item.Text("intent")!.Length);
            chosen.ForEach(item => line($"{item.Text("intent")!.PadRight(width)}  {item.Text("title")}", Tone.Plain));
        });
    }

    private static int Example(Call call, JsonElement span)
    {
        call.Screen.Document(span.WriteTo);
        return ExitCodes.Done;
    }

    private static void Write(Utf8JsonWriter json, List<JsonElement> items)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        items.ForEach(item => item.WriteTo(json));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void One(JsonElement item, Action<string, Tone> line)
    {
        line($"{item.Text("intent")}: {item.Text("title")}", Tone.Good);
        line($"  subject  {string.Join(" or ", item.Texts("subjects"))}", Tone.Plain);
        if (item.Text("proof") is { } proof)
        {
            line($"  proof    {proof} (logline wallet prove {proof})", Tone.Plain);
        }
        var required = item.Member("payload_schema").Texts("required");
        if (item.Member("payload_schema").Member("properties") is { ValueKind: JsonValueKind.Object } properties)
        {
            foreach (var property in properties.EnumerateObject().Where(property => property.Name != "kind"))
            {
                line($"  {(required.Contains(property.Name) ? "*" : " ")} {property.Name,-18} {property.Value.Text("description") ?? property.Value.Text("type")}", Tone.Plain);
            }
        }
        if (item.Member("example") is { ValueKind: JsonValueKind.Object } example)
        {
            line($"  example  {example.GetRawText()}", Tone.Quiet);
        }
    }
}
