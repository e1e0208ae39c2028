using System.Text.Json;
using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>A state that a run has reached, as the worker saw it.</summary>
/// <param name="State">The state.</param>
public sealed record RunReport(RunState State)
{
    /// <summary>When it was running; the moment of the report when left out.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; the moment of the report when left out.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How it ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Why: a word for programs.</summary>
    public string? Reason { get; init; }

    /// <summary>Why: a sentence for people.</summary>
    public string? Error { get; init; }

    /// <summary>Writes what else there is to say: members of the span's payload, and of the row's detail.</summary>
    public Action<Utf8JsonWriter> Facts { get; init; } = _ => { };

    /// <summary>What a primitive brought. In the run's row alone: what a container said or holds does not go into a log that forgets nothing.</summary>
    public JsonElement? Result { get; init; }
}
