using System.Text.RegularExpressions;
using Serilog.Core;
using Serilog.Events;

namespace LogLine.Api.Telemetry;

/// <summary>Takes tickets out of whatever is logged: a URL with one is as good as a token, and web servers like to log URLs.</summary>
internal sealed partial class TicketRedaction : ILogEventEnricher
{
    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        foreach (var (name, value) in logEvent.Properties.ToList())
        {
            if (value is ScalarValue { Value: not null } scalar && scalar.Value.ToString() is { } text && text.Contains("ticket=", StringComparison.OrdinalIgnoreCase))
            {
                logEvent.AddOrUpdateProperty(new LogEventProperty(name, new ScalarValue(Ticket().Replace(text, "ticket=…"))));
            }
        }
    }

    [GeneratedRegex("ticket=[^&\\s\"]*", RegexOptions.IgnoreCase)]
    private static partial Regex Ticket();
}
