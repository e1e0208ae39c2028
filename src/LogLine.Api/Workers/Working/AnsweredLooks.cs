using System.Collections.Concurrent;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;

namespace LogLine.Api.Workers.Working;

/// <summary>A container as this worker saw it for a gate.</summary>
internal sealed record AnsweredLook(string Provider, string Tenant, string Name, SeenWorkload Seen);

/// <summary>
/// What this worker saw a moment ago when a gate asked about the container of a run: if that run becomes the worker's, it need not look again. By this process's own eyes and clock: nothing of it comes from the gateway
/// but the run's name, and what does not fit the run is not used.
/// </summary>
internal sealed class AnsweredLooks(TimeProvider time)
{
    /// <summary>Looks at most; of more at a time no more are noted.</summary>
    public const int Most = 256;

    private readonly ConcurrentDictionary<string, AnsweredLook> _looks = new();

    /// <summary>Looks that are noted.</summary>
    public int Count => _looks.Count;

    /// <summary>Notes a look for a run; what is too old to be used is forgotten.</summary>
    public void Note(string runId, AnsweredLook look)
    {
        _looks.TryRemove(runId, out _);
        foreach (var (old, noted) in _looks)
        {
            if (time.GetElapsedTime(noted.Seen.At) >= SeenWorkload.Life)
            {
                _looks.TryRemove(old, out _);
            }
        }
        if (_looks.Count < Most)
        {
            _looks[runId] = look;
        }
    }

    /// <summary>What was seen for a run, once; null when it was not seen here, or was another container.</summary>
    public SeenWorkload? SeenIn(RunRow run) =>
        _looks.TryRemove(run.RunId, out var look) && (look.Provider, look.Tenant, look.Name) == (run.Provider, run.Tenant, run.Service) ? look.Seen : null;
}
