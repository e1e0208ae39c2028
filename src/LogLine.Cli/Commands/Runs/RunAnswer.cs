using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>Says an Ack that started a run.</summary>
internal static class RunAnswer
{
    /// <returns>1 when the run that was waited for failed.</returns>
    public static int Report(Call call, Ack ack, string doing)
    {
        var run = ack.Run.Text("run_id");
        var state = ack.Run.Text("state");
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("run_id", run);
                json.WriteString("state", state);
                json.WriteString("this", ack.This);
                json.WritePropertyName("ack");
                ack.Root.WriteTo(json);
                json.WriteEndObject();
            },
            line =>
            {
                line($"{doing}: {state ?? "done"}", RunState.IsBad(state) ? Tone.Bad : Tone.Good);
                if (RunState.Detail(ack.Run) is { Length: > 0 } detail)
                {
                    line($"  {detail}", Tone.Plain);
                }
                line($"  span  {ack.This} at {ack.LogIndex} in the log", Tone.Plain);
                if (run is not null)
                {
                    line($"  run   {run}{(state is not null && RunState.HasEnded(state) ? "" : $" (logline status {run} --watch)")}", Tone.Plain);
                }
            });
        return RunState.IsBad(state) ? ExitCodes.Failed : ExitCodes.Done;
    }
}
