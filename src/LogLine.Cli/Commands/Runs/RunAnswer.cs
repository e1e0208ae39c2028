using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>How an act on a run is called while it goes on and once it is done: Stopping, Stopped.</summary>
internal readonly record struct ActWords(string Doing, string Done);

/// <summary>Says an Ack that started a run: <c>{run_id, state, urls[], this, ack}</c>, or lines.</summary>
internal static class RunAnswer
{
    /// <summary>Says it with what the Ack knows: state, and the run's outcome when it was waited for.</summary>
    /// <returns>1 when the run failed.</returns>
    public static int Report(Call call, GatewayClient gateway, SpanAck ack, ActWords words)
    {
        var run = ack.Run.Text("run_id");
        var state = ack.Run.Text("state");
        var failed = RunStateText.IsBad(state);
        Say(call, gateway, ack, words, run, state, ack.Result, failed);
        if (!failed)
        {
            return ExitCodes.Done;
        }
        RunLines.Complain(call.Screen, run ?? "", state!, ack.Result);
        return ExitCodes.Failed;
    }

    /// <summary>Says it with facts that are newer than the Ack.</summary>
    public static void Say(Call call, GatewayClient gateway, SpanAck ack, ActWords words, string? run, string? state, JsonElement facts, bool failed)
    {
        var urls = RunLines.Urls(gateway, state, facts).ToList();
        var ended = state is not null && RunStateText.HasEnded(state);
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("run_id", run);
                json.WriteString("state", state);
                json.WriteStartArray("urls");
                urls.ForEach(url => json.WriteStringValue(url.Url));
                json.WriteEndArray();
                json.WriteString("this", ack.This);
                json.WritePropertyName("ack");
                ack.Root.WriteTo(json);
                json.WriteEndObject();
            },
            line =>
            {
                line(ended && !failed ? words.Done : $"{words.Doing}: {state ?? "accepted"}", failed ? Tone.Bad : Tone.Good);
                line($"  span  {ack.This} at {ack.LogIndex} in the log", Tone.Plain);
                if (run is not null)
                {
                    line($"  run   {run}{(ended ? "" : $" (logline status {run} --watch)")}", Tone.Plain);
                }
                urls.ForEach(url => line($"  {url.Url} → {url.Container}", Tone.Good));
            });
    }
}
