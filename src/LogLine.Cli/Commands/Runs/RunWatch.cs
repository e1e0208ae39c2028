using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Runs;

/// <summary>Follows one run over the stream, or by polling, and shows each state as it comes.</summary>
internal sealed class RunWatch(Call call, GatewayClient gateway, string run)
{
    private static readonly TimeSpan PollPause = TimeSpan.FromSeconds(1);

    /// <summary>Says an Ack that started a run, and watches the run until it runs or has ended.</summary>
    public static async Task<int> AckAsync(Call call, GatewayClient gateway, SpanAck ack, bool stream)
    {
        if (ack.Run.Text("run_id") is not { } run)
        {
            return call.Screen.Refuse(new CommandFailure("run", "The gateway took the span but names no run.") { TraceId = ack.TraceId, Body = ack.Root });
        }
        if (call.Screen.Json)
        {
            call.Screen.Document(json =>
            {
                json.WriteStartObject();
                json.WriteString("event", "ack");
                json.WritePropertyName("ack");
                ack.Root.WriteTo(json);
                json.WriteEndObject();
            });
        }
        call.Screen.Line($"{run}  {ack.This}");
        // A run that was there before said what it had to say before this Ack.
        var after = ack.Result.Flag("changed") == false ? null : ack.LogIndex + 1;
        return await new RunWatch(call, gateway, run).UntilAsync(after, stream, RunStateText.IsUp);
    }

    /// <summary>Watches until <paramref name="enough"/>, then says where the run stands.</summary>
    /// <param name="after">The cursor to begin behind; null for the beginning.</param>
    /// <returns>1 when it failed or was cancelled.</returns>
    public async Task<int> UntilAsync(long? after, bool stream, Func<string, bool> enough)
    {
        call.Resume = () => $"Stopped watching; the run goes on.\n  → logline status {run} --watch";
        var failure = stream ? await StreamAsync(after ?? 0, enough) : await PollAsync(enough);
        if (failure is not null)
        {
            return call.Screen.Refuse(failure);
        }
        return (await gateway.GetAsync($"/v1/runs/{run}", call.Stop)).Fails(out failure, out var known)
            ? call.Screen.Refuse(failure)
            : Summary(known);
    }

    private async Task<CommandFailure?> StreamAsync(long after, Func<string, bool> enough)
    {
        var events = new EventStream(gateway, call.Shell.Time, call.Note);
        await foreach (var received in events.FollowAsync($"/v1/stream?run_id={run}", after, call.Stop))
        {
            if (received.Fails(out var failure, out var item))
            {
                return failure;
            }
            SpanLines.Show(call.Screen, item);
            if (item.Gap is null && RunStateText.Of(item.Span) is { } state && enough(state))
            {
                return null;
            }
        }
        return null;
    }

    private async Task<CommandFailure?> PollAsync(Func<string, bool> enough)
    {
        for (string? last = null; ;)
        {
            if ((await gateway.GetAsync($"/v1/runs/{run}", call.Stop)).Fails(out var failure, out var known))
            {
                return failure;
            }
            var state = known.Text("state") ?? "";
            if (state != last)
            {
                Changed(known, state);
                last = state;
            }
            if (enough(state))
            {
                return null;
            }
            await Task.Delay(PollPause, call.Shell.Time, call.Stop);
        }
    }

    private void Changed(JsonElement known, string state)
    {
        if (call.Screen.Json)
        {
            call.Screen.Document(json => Event(json, "run", known));
        }
        call.Screen.Line(SpanLines.Line(Timestamps.Write(call.Shell.Time.GetUtcNow()), state, RunStateText.Detail(known)), SpanLines.ToneOf(state));
    }

    private int Summary(JsonElement known)
    {
        var state = known.Text("state");
        if (call.Screen.Json)
        {
            call.Screen.Document(json => Event(json, "result", known));
        }
        foreach (var (url, container) in RunLines.Urls(gateway, state, known))
        {
            call.Screen.Line($"{url} → {container}", Tone.Good);
        }
        if (!RunStateText.IsBad(state))
        {
            return ExitCodes.Done;
        }
        RunLines.Complain(call.Screen, run, state!, known);
        return ExitCodes.Failed;
    }

    private void Event(Utf8JsonWriter json, string name, JsonElement known)
    {
        json.WriteStartObject();
        json.WriteString("event", name);
        json.WritePropertyName("run");
        known.WriteTo(json);
        if (name == "result")
        {
            json.WriteStartArray("urls");
            foreach (var (url, _) in RunLines.Urls(gateway, known.Text("state"), known))
            {
                json.WriteStringValue(url);
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
