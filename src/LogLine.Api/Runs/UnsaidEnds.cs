using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Runs;

/// <summary>
/// Ends of commands that could not be said yet, since gateway or store was away: what they brought is nowhere else. One file each, for the worker's user alone, so that neither a stop nor a crash loses it: the next
/// process on this folder says it when it is given the run.
/// </summary>
public sealed class UnsaidEnds(string folder, TimeProvider time, ILogger<UnsaidEnds> logger)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Life = TimeSpan.FromDays(7);

    /// <summary>Keeps an end. Where even that is not possible the worker's memory is all that there is.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="isDurable">Whether it must outlive the machine too, for which the disk is waited for, and not this process alone.</param>
    public void Keep(string runId, RunReport end, bool isDurable)
    {
        try
        {
            _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }
            using (var file = new FileStream(FileOf(runId) + ".new", options))
            {
                file.Write(JsonBytes.Write(json => Write(json, end)));
                file.Flush(flushToDisk: isDurable);
            }
            File.Move(FileOf(runId) + ".new", FileOf(runId), overwrite: true);
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            logger.Log(isDurable ? LogLevel.Error : LogLevel.Debug, "The end of {Run} can neither be said nor kept in {Folder}: {Reason}", runId, folder, full.Message);
        }
    }

    /// <summary>The end of a run that was not said, or null.</summary>
    public RunReport? Find(string runId)
    {
        try
        {
            return File.Exists(FileOf(runId)) ? Read(JsonDocument.Parse(File.ReadAllBytes(FileOf(runId))).RootElement) : null;
        }
        catch (Exception unread) when (unread is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.LogError("What is kept of the end of {Run} cannot be read: {Reason}", runId, unread.Message);
            return null;
        }
    }

    /// <summary>It was said, or is somebody else's to say.</summary>
    public void Forget(string runId) => File.Delete(FileOf(runId));

    /// <summary>Removes what is older than a week, of runs that have ended elsewhere: who they are with, <paramref name="find"/> says.</summary>
    public async Task SweepAsync(Func<string, ValueTask<RunRow?>> find)
    {
        foreach (var file in Directory.Exists(folder) ? Directory.GetFiles(folder).Where(file => File.GetLastWriteTimeUtc(file) < time.GetUtcNow() - Life) : [])
        {
            if (file.EndsWith(".new", StringComparison.Ordinal) || await find(Path.GetFileName(file)) is not { HasEnded: false })
            {
                File.Delete(file);
            }
        }
    }

    private string FileOf(string runId) => Path.Combine(folder, runId);

    private void Write(Utf8JsonWriter json, RunReport end)
    {
        json.WriteStartObject();
        json.WriteString("state", RunStates.Name(end.State));
        if (end.StartedAt is { } started)
        {
            json.WriteString("started_at", Timestamps.Write(started));
        }
        json.WriteString("ended_at", Timestamps.Write(end.EndedAt ?? time.GetUtcNow()));
        if (end.ExitCode is { } code)
        {
            json.WriteNumber("exit_code", code);
        }
        json.WriteString("reason", end.Reason);
        json.WriteString("error", end.Error);
        if (end.Result is { } result)
        {
            json.WritePropertyName("result");
            result.WriteTo(json);
        }
        json.WriteEndObject();
    }

    private static RunReport Read(JsonElement json) => new(json.Text("state") switch
    {
        "exited" => RunState.Exited,
        "failed" => RunState.Failed,
        _ => RunState.Cancelled,
    })
    {
        StartedAt = Timestamps.TryParse(json.Text("started_at"), out var started) ? started : null,
        EndedAt = Timestamps.TryParse(json.Text("ended_at"), out var ended) ? ended : null,
        ExitCode = (int?)json.Integer("exit_code"),
        Reason = json.Text("reason"),
        Error = json.Text("error"),
        Result = json.Member("result") is { ValueKind: JsonValueKind.Object } result ? result : null,
    };
}
