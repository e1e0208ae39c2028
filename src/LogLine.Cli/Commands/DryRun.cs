using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary><c>--dry-run</c>: the gateway judges what would be sent (<c>POST /v1/universal</c>, rows 11 and 13), and nothing is written.</summary>
internal static class DryRun
{
    public static Option<bool> Option() => new("--dry-run") { Description = "Have it judged, and write nothing." };

    /// <summary>Shows what the gateway says of a span.</summary>
    /// <returns>0 when it is complete and right.</returns>
    public static async Task<int> ShowAsync(Call call, GatewayClient gateway, JsonElement span)
    {
        var question = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("dry_run", true);
            json.WritePropertyName("span");
            span.WriteTo(json);
            json.WriteEndObject();
        });
        if ((await gateway.QueryAsync("/v1/universal", question, call.Stop)).Fails(out var failure, out var judged))
        {
            return call.Screen.Refuse(failure);
        }
        if (judged.Text("status") != "ok")
        {
            var problem = judged.Member("problem") is { ValueKind: JsonValueKind.Object } inner ? inner : judged;
            return call.Screen.Refuse(GatewayAnswers.Refusal(problem.Text("code") ?? "refused", problem));
        }
        return call.Screen.Result(judged.WriteTo, line =>
        {
            line($"Would be sent: {span.Text("intent")} about {span.Text("subject")}; nothing was written", Tone.Good);
            line($"  {judged.Text("compiled_hash")}", Tone.Quiet);
        });
    }
}
