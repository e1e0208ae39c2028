using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Receipts;

/// <summary>How statements that were looked into are shown.</summary>
internal static class VerificationSteps
{
    /// <summary>A line for each, for people.</summary>
    public static void Show(IEnumerable<VerificationStep> steps, Action<string, Tone> line)
    {
        foreach (var step in steps)
        {
            line($"  {(step.Fault is null ? "ok  " : "FAIL")} {step.Statement}", step.Fault is null ? Tone.Plain : Tone.Bad);
        }
    }

    /// <summary><c>steps[{statement, holds, fault}]</c>.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<VerificationStep> steps)
    {
        json.WriteStartArray("steps");
        foreach (var step in steps)
        {
            json.WriteStartObject();
            json.WriteString("statement", step.Statement);
            json.WriteBoolean("holds", step.Fault is null);
            json.WriteString("fault", step.Fault);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>The whole result of a command that verified one thing.</summary>
    /// <param name="members">Writes what else the document holds.</param>
    /// <returns>The exit code.</returns>
    public static int Report(Call call, string title, IReadOnlyList<VerificationStep> steps, Action<Utf8JsonWriter> members)
    {
        var fault = steps.FirstOrDefault(step => step.Fault is not null)?.Fault;
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("valid", fault is null);
                members(json);
                Write(json, steps);
                json.WriteEndObject();
            },
            line =>
            {
                line(title, fault is null ? Tone.Good : Tone.Bad);
                Show(steps, line);
            });
        return fault is null ? ExitCodes.Done : call.Fail(fault);
    }
}
