using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>The present state of a subject (<c>GET /v1/state/view</c>).</summary>
internal static class SubjectView
{
    private const int RunsShown = 5;

    public static async Task<int> ShowAsync(Call call, GatewayClient gateway, string subject)
    {
        while (true)
        {
            if ((await gateway.GetAsync("/v1/state/view?subject=" + Uri.EscapeDataString(subject), call.Stop)).Fails(out var failure, out var state))
            {
                return call.Screen.Refuse(failure.Code == "404_NOT_FOUND" ? failure with { Next = "Is the subject spelled right, and of this tenant? 'logline whoami' shows which." } : failure);
            }
            if (state.Flag("complete") != false)
            {
                return call.Screen.Result(state.WriteTo, line => Show(state, line));
            }
            call.Note($"{state.Integer("spans")} spans are folded; there are more.");
        }
    }

    private static void Show(JsonElement state, Action<string, Tone> line)
    {
        line($"{state.Text("subject")}  {state.Text("status")}, as of {state.Integer("as_of")}", state.Text("status") == "present" ? Tone.Good : Tone.Warning);
        foreach (var section in (ReadOnlySpan<string>)["fields", "values"])
        {
            foreach (var field in state.Member(section).EnumerateObject())
            {
                line($"  {field.Name,-14} {Text(field.Value)}", Tone.Plain);
            }
        }
        if (state.Member("manifest") is { ValueKind: JsonValueKind.Object } manifest)
        {
            line($"  {"manifest",-14} {manifest.Text("version")}, {manifest.Text("image")}", Tone.Plain);
        }
        foreach (var list in state.Member("lists").EnumerateObject().Where(list => list.Value.GetArrayLength() > 0))
        {
            line($"  {list.Name}:", Tone.Quiet);
            foreach (var item in list.Value.EnumerateArray())
            {
                line($"    {string.Join("  ", item.EnumerateObject().Select(member => Text(member.Value)))}", Tone.Plain);
            }
        }
        foreach (var deployment in state.Items("deployments"))
        {
            line($"  on {Text(deployment.Member("target"))}: {deployment.Text("run_id") ?? "nothing yet"}  {deployment.Text("state")}  {deployment.Text("ref")}".TrimEnd(), SpanLines.ToneOf(deployment.Text("state")));
        }
        foreach (var run in state.Items("serving").Concat(state.Items("runs").TakeLast(RunsShown)))
        {
            line($"  {run.Text("run_id")}  {run.Text("state")}  {RunStateText.Detail(run)}".TrimEnd(), SpanLines.ToneOf(run.Text("state")));
        }
        foreach (var intent in state.Member("intents").EnumerateObject())
        {
            line($"  {intent.Name,-24} {intent.Value.Integer("count")}×, last at {intent.Value.Integer("seq")}", Tone.Quiet);
        }
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
