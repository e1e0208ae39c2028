using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary><c>logline universal</c>: what a sentence means; with <c>--apply</c> it is done. The gateway compiles it, by a grammar.</summary>
internal static class UniversalCommand
{
    public static Command Create(CommandTree tree)
    {
        var sentence = new Argument<string>("SENTENCE") { Description = "What is wanted, in English or Portuguese." };
        var hint = new Option<string?>("--intent") { HelpName = "INTENT", Description = "The intent that is meant, where a sentence could mean several." };
        var apply = new Option<bool>("--apply") { Description = "Do it; without this, only say what it would be." };
        return tree.Leaf("universal", "Say it in a sentence.", call => RunAsync(call, call.Get(sentence), call.Get(hint), call.Get(apply)), sentence, hint, apply);
    }

    private static async Task<int> RunAsync(Call call, string sentence, string? hint, bool apply)
    {
        var body = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("dry_run", !apply);
            if (hint is not null)
            {
                json.WriteString("intent_hint", hint);
            }
            json.WriteString("paragraph", sentence);
            json.WriteEndObject();
        });
        if ((await call.WriteAsync(new SpanSubmission(body) { Path = "/v1/universal" })).Fails(out var failure, out var answer))
        {
            return call.Screen.Refuse(failure);
        }
        // A dry run answers 200 whatever it found.
        if (answer.Text("status") is not ("ok" or null) && answer.Text("code") is { } code)
        {
            return call.Screen.Refuse(GatewayAnswers.Refusal(code, answer));
        }
        return call.Screen.Result(answer.WriteTo, line => Say(call, answer, apply, line));
    }

    private static void Say(Call call, JsonElement answer, bool applied, Action<string, Tone> line)
    {
        if (answer.Member("query") is { ValueKind: JsonValueKind.Object } query)
        {
            line($"A question: {query.Text("method")} {query.Text("path")}", Tone.Good);
            return;
        }
        var span = answer.Member("compiled_span");
        line($"{(applied ? "Done" : "Means")}: {span.Text("intent")} on {span.Text("subject")}", Tone.Good);
        foreach (var member in span.Member("payload") is { ValueKind: JsonValueKind.Object } payload ? payload.EnumerateObject() : [])
        {
            line($"  {member.Name,-10} {(member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString() : member.Value.GetRawText())}", Tone.Plain);
        }
        if (applied)
        {
            var ack = new SpanAck(answer);
            line($"  span       {ack.This} at {ack.LogIndex} in the log", Tone.Plain);
            if (ack.Run.Text("run_id") is { } run)
            {
                line($"  run        {run} (logline status {run} --watch)", Tone.Plain);
            }
            return;
        }
        call.Note("Nothing was sent; --apply does it.");
    }
}
