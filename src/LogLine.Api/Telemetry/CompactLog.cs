using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;

namespace LogLine.Api.Telemetry;

/// <summary>One JSON object per line, in Serilog's compact format: <c>@t</c> time, <c>@m</c> message, <c>@l</c> level unless it is Information, <c>@x</c> exception, <c>@tr</c> and <c>@sp</c> trace and span, then the properties.</summary>
internal sealed class CompactLog : ITextFormatter
{
    private static readonly JsonValueFormatter Values = new(typeTagName: null);
    private static readonly MessageTemplateTextFormatter Message = new("{Message:lj}", CultureInfo.InvariantCulture);

    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write("{\"@t\":\"");
        output.Write(logEvent.Timestamp.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        output.Write('"');
        using var message = new StringWriter(CultureInfo.InvariantCulture);
        Message.Format(logEvent, message);
        Member(output, "@m", message.ToString());
        if (logEvent.Level != LogEventLevel.Information)
        {
            Member(output, "@l", logEvent.Level.ToString());
        }
        if (logEvent.Exception is { } exception)
        {
            Member(output, "@x", exception.ToString());
        }
        if (logEvent.TraceId is { } trace && logEvent.SpanId is { } span)
        {
            Member(output, "@tr", trace.ToHexString());
            Member(output, "@sp", span.ToHexString());
        }
        foreach (var (name, value) in logEvent.Properties)
        {
            output.Write(',');
            JsonValueFormatter.WriteQuotedJsonString(name.Length > 0 && name[0] == '@' ? "@" + name : name, output);
            output.Write(':');
            Values.Format(value, output);
        }
        output.Write("}\n");
    }

    private static void Member(TextWriter output, string name, string text)
    {
        output.Write(",\"");
        output.Write(name);
        output.Write("\":");
        JsonValueFormatter.WriteQuotedJsonString(text, output);
    }
}
