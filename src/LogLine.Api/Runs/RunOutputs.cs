using System.Collections.Concurrent;
using System.Text;

namespace LogLine.Api.Runs;

/// <summary>
/// What the commands of live runs (<c>container.exec</c>) and builds have said so far, in the worker that carries them out: for readers who do not want to wait for the result. Bounded for
/// each run, gone with it: what a command said last is then in the result.
/// </summary>
public sealed class RunOutputs
{
    private readonly ConcurrentDictionary<string, RunOutput> _live = new();

    /// <summary>What a run has said here; null while it has said nothing, as one that another worker carries out.</summary>
    public RunOutput? Find(string runId) => _live.GetValueOrDefault(runId) is { HasSaid: true } said ? said : null;

    /// <summary>Takes a piece of what a run says, whole lines or not.</summary>
    public void Append(string runId, int source, ReadOnlyMemory<byte> piece)
    {
        while (!Of(runId).TryAppend(source, piece))
        {
        }
    }

    /// <summary>Fills a ring with the last lines of a run and with what comes after them, also before it says anything, until <see cref="Leave"/>.</summary>
    /// <exception cref="AdapterException">Too many read it already.</exception>
    public RunOutput Follow(string runId, LogRing ring, int tail)
    {
        while (true)
        {
            var output = Of(runId);
            if (output.TryFollow(ring, tail))
            {
                return output;
            }
        }
    }

    /// <summary>Nobody reads the ring any more. Where a run is carried out by another worker, its readers are all that there is of it here.</summary>
    public void Leave(string runId, RunOutput output, LogRing ring)
    {
        if (output.Leave(ring))
        {
            _live.TryRemove(new KeyValuePair<string, RunOutput>(runId, output));
        }
    }

    /// <summary>The run has ended, or is not this worker's any more: nothing more is said here.</summary>
    public void Close(string runId) => _live.TryRemove(runId, out _);

    private RunOutput Of(string runId) => _live.GetOrAdd(runId, _ => new RunOutput());
}

/// <summary>The output of one command: its last part, and the rings of those who follow it.</summary>
public sealed class RunOutput
{
    private const int MaxReaders = 16;

    private readonly LogRing _kept = new();
    private readonly List<LogRing> _readers = [];
    private readonly Lock _lock = new();
    private bool _isLeft;

    /// <summary>Something was said here.</summary>
    public bool HasSaid { get; private set; }

    /// <summary>Takes a piece, whole lines or not; false when the last reader left before anything was said, and nobody would find it here.</summary>
    public bool TryAppend(int source, ReadOnlyMemory<byte> piece)
    {
        lock (_lock)
        {
            if (_isLeft)
            {
                return false;
            }
            HasSaid = true;
            _kept.Append(source, piece);
            foreach (var reader in _readers)
            {
                reader.Append(source, piece);
            }
            return true;
        }
    }

    /// <summary>All of it that is kept, and how many lines went before; a line that has not ended yet is one of the lines.</summary>
    public (IReadOnlyList<LogLineRead> Lines, long Dropped) Look()
    {
        var (lines, open, dropped) = _kept.Look();
        return ([.. lines, .. open], dropped);
    }

    /// <summary>Fills a ring with the last lines and with what comes after them; false when nothing will come here, as in <see cref="TryAppend"/>.</summary>
    /// <exception cref="AdapterException">Too many read it already.</exception>
    public bool TryFollow(LogRing ring, int tail)
    {
        lock (_lock)
        {
            if (_isLeft)
            {
                return false;
            }
            if (_readers.Count == MaxReaders)
            {
                throw new AdapterException(AdapterFailure.Busy, $"{MaxReaders} readers follow this command already, as many as may. Read what it has said so far without follow=true, or come back when one of them has left.");
            }
            Fill(ring, tail);
            _readers.Add(ring);
            return true;
        }
    }

    /// <summary>Nobody reads the ring any more; true when it was the last one and nothing was said.</summary>
    public bool Leave(LogRing ring)
    {
        lock (_lock)
        {
            _readers.Remove(ring);
            return _isLeft = _readers.Count == 0 && !HasSaid;
        }
    }

    /// <summary>Fills a ring with the last lines that it shows; a line that has not ended yet is one of them, and is never left out, since its rest would be shown as a line.</summary>
    public void Fill(LogRing ring, int tail)
    {
        var (kept, open, dropped) = _kept.Look();
        var lines = kept.Where(ring.Shows).ToList();
        var whole = Math.Min(lines.Count, Math.Max(0, tail - open.Count(ring.Shows)));
        if (dropped + lines.Count - whole is > 0 and var before)
        {
            ring.Skip(before);
        }
        foreach (var line in lines.TakeLast(whole))
        {
            ring.Append(line);
        }
        foreach (var line in open)
        {
            ring.Append(line.Source, Encoding.UTF8.GetBytes(line.Text));
        }
    }
}
