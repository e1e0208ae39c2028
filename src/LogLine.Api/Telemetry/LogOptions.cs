namespace LogLine.Api.Telemetry;

/// <summary>What the operator reads on standard output, section <c>LogLine:Logs</c>.</summary>
public sealed class LogOptions
{
    /// <summary><c>text</c>, lines for people, or <c>json</c>, for programs.</summary>
    public string Format { get; set; } = "text";
}
