using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Runs;

/// <summary>Spans as lines: time, state or intent, what there is to know.</summary>
internal static class SpanLines
{
    /// <summary>One item of a stream: <c>{"event":"span","seq":…,"span":{…}}</c>, or a line.</summary>
    public static void Show(Screen screen, StreamItem item)
    {
        if (item.Gap is { } gap)
        {
            screen.Note($"The gateway no longer keeps everything from there on: {gap}", Tone.Warning);
            return;
        }
        if (screen.Json)
        {
            screen.Document(json =>
            {
                json.WriteStartObject();
                json.WriteString("event", "span");
                json.WriteNumber("seq", item.Seq);
                json.WritePropertyName("span");
                item.Span.WriteTo(json);
                json.WriteEndObject();
            });
            return;
        }
        Show(screen, item.Span);
    }

    /// <summary>A span as a line.</summary>
    public static void Show(Screen screen, JsonElement span)
    {
        var state = RunStateText.Of(span);
        screen.Line(Line(span.Text("ts"), span.Text("intent") ?? "?", RunStateText.Detail(span.Member("payload"))), ToneOf(state));
    }

    public static string Line(string? ts, string what, string detail) =>
        $"{(Timestamps.TryParse(ts, out var time) ? time.UtcDateTime.ToString("HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture) : "            ")}  {what,-21} {detail}".TrimEnd();

    public static Tone ToneOf(string? state) => state switch
    {
        "running" => Tone.Good,
        "failed" => Tone.Bad,
        "cancelled" => Tone.Warning,
        _ => Tone.Plain,
    };
}
