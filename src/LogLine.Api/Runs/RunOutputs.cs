using System.Collections.Concurrent;
using System.Text;

namespace LogLine.Api.Runs;

/// <summary>
/// What the commands of live runs (<c>container.exec</c>) have said so far, in the worker that carries them out: for readers who do not want to wait for the result. Bounded for
/// each run, gone with it: what a command said last is then in the result.
/// </summary>
public sealed class RunOutputs
{
    private readonly ConcurrentDictionary<string, RunOutput> _live = new();

    /// <summary>What a live run says, also before it says anything.</summary>
    public RunOutput Of(string runId) => _live.GetOrAdd(runId, _ => new RunOutput());

    /// <summary>The run has ended, or is not this worker's any more: so has its output, for all who read it.</summary>
    public void Close(string runId)
    {
        if (_live.TryRemove(runId, out var output))
        {
            output.End();
        }
    }
}

/// <summary>The output of one command: its last part, and the rings of those who follow it.</summary>
public sealed class RunOutput
{
    private const int MaxReaders = 16;

    private readonly LogRing _kept = new();
    private readonly List<LogRing> _readers = [];
    private readonly Lock _lock = new();
    private bool _isEnded;

    /// <summary>Takes a piece, whole lines or not.</summary>
    public void Append(int source, ReadOnlyMemory<byte> piece)
    {
        lock (_lock)
        {
            _kept.Append(source, piece);
            foreach (var reader in _readers)
            {
                reader.Append(source, piece);
            }
        }
    }

    /// <summary>All of it that is kept, and how many lines went before; a line that has not ended yet is one of the lines.</summary>
    public (IReadOnlyList<LogLineRead> Lines, long Dropped) Look()
    {
        var (lines, open, dropped) = _kept.Look();
        return ([.. lines, .. open], dropped);
    }

    /// <summary>Fills a ring with the last lines and with what comes after them, until the command has ended or nobody reads any more.</summary>
    /// <exception cref="AdapterException">Too many read it already.</exception>
    public void Follow(LogRing ring, int tail, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_readers.Count == MaxReaders)
            {
                throw new AdapterException(AdapterFailure.Unavailable, $"{MaxReaders} readers follow this command already");
            }
            Fill(ring, tail);
            if (_isEnded)
            {
                ring.End();
                return;
            }
            _readers.Add(ring);
        }
        cancel.Register(() => Forget(ring));
    }

    /// <summary>Nothing more comes.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isEnded = true;
            _readers.ForEach(reader => reader.End());
            _readers.Clear();
        }
    }

    private void Fill(LogRing ring, int tail)
    {
        var (lines, open, dropped) = _kept.Look();
        if (dropped + Math.Max(0, lines.Count - tail) is > 0 and var before)
        {
            ring.Skip(before);
        }
        foreach (var line in lines.TakeLast(tail))
        {
            ring.Append(line);
        }
        foreach (var line in open)
        {
            ring.Append(line.Source, Encoding.UTF8.GetBytes(line.Text));
        }
    }

    private void Forget(LogRing ring)
    {
        lock (_lock)
        {
            _readers.Remove(ring);
        }
        ring.End();
    }
}
