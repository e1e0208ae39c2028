using System.Text;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>A line of output: 1 standard output, 2 standard error. One that is cut lacks its end: it was too long, or has not come yet.</summary>
public sealed record LogLineRead(int Source, string Text, bool IsCut = false)
{
    /// <summary>Its text without secrets, nor what is left of one at an edge.</summary>
    public string Masked(SecretMask mask) => mask.ApplyToLine(Text, IsCut);

    /// <summary>The line as a reader sees it, without secrets; null when <paramref name="grep"/> is given and not in what the reader would see.</summary>
    public LogLineRead? Shown(SecretMask mask, string? grep)
    {
        var masked = this with { Text = Masked(mask) };
        return grep is null || masked.Text.Contains(grep, StringComparison.Ordinal) ? masked : null;
    }
}

/// <summary>
/// The last lines of an output that is followed, between whoever writes it and one reader. It never holds more than its limits: when a reader is too slow,
/// the oldest lines go until half of it is free, and the reader is told how many. Memory does not grow with the output.
/// </summary>
/// <param name="maxLines">Lines at most.</param>
/// <param name="maxBytes">Bytes at most; a line has a quarter of them.</param>
/// <param name="shown">A line as the reader gets it, or null for one that it does not get.</param>
public sealed class LogRing(int maxLines = LogRing.DefaultLines, int maxBytes = LogRing.DefaultBytes, Func<LogLineRead, LogLineRead?>? shown = null)
{
    /// <summary>Lines at most.</summary>
    public const int DefaultLines = 10_000;

    /// <summary>Bytes at most.</summary>
    public const int DefaultBytes = 1 << 20;

    private readonly Queue<(LogLineRead Line, int Bytes)> _lines = new();
    private readonly OutputLines _open = new(maxBytes / 4);
    private readonly Lock _lock = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private long _dropped;
    private bool _isEnded;

    /// <summary>Whether the reader gets the line; one that it does not get takes no room.</summary>
    public bool Shows(LogLineRead line) => shown is null || shown(line) is not null;

    /// <summary>Takes a piece of output, whole lines or not.</summary>
    public void Append(int source, ReadOnlyMemory<byte> piece)
    {
        lock (_lock)
        {
            _open.Append(source, piece, Put);
        }
    }

    /// <summary>Takes a line as another ring had it.</summary>
    public void Append(LogLineRead line)
    {
        lock (_lock)
        {
            Put(line, Encoding.UTF8.GetByteCount(line.Text));
        }
    }

    /// <summary>Says that lines went before they came here.</summary>
    public void Skip(long lines)
    {
        lock (_lock)
        {
            _dropped += Math.Max(0, lines);
            _more.TrySetResult();
        }
    }

    /// <summary>What is in it, without taking it; <c>Open</c> are lines that have not ended yet.</summary>
    public (IReadOnlyList<LogLineRead> Lines, IReadOnlyList<LogLineRead> Open, long Dropped) Look()
    {
        lock (_lock)
        {
            return ([.. _lines.Select(line => line.Line)], [.. _open.Open], _dropped);
        }
    }

    /// <summary>Says that nothing more comes.</summary>
    public void End()
    {
        lock (_lock)
        {
            _open.End(isCut: false, Put);
            _isEnded = true;
            _more.TrySetResult();
        }
    }

    /// <summary>Waits for lines and takes all of them; <c>Dropped</c> counts those that went since the last call. Null when there is nothing more.</summary>
    public async Task<(IReadOnlyList<LogLineRead> Lines, long Dropped)?> TakeAsync(CancellationToken cancel)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_lines.Count > 0 || _dropped > 0)
                {
                    var taken = (_lines.Select(line => line.Line).ToList(), _dropped);
                    _lines.Clear();
                    (_bytes, _dropped) = (0, 0);
                    return taken;
                }
                if (_isEnded)
                {
                    return null;
                }
                if (_more.Task.IsCompleted)
                {
                    _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                more = _more.Task;
            }
            await more.WaitAsync(cancel);
        }
    }

    private void Put(LogLineRead line, int length)
    {
        if ((shown is null ? line : shown(line)) is not { } read)
        {
            return;
        }
        _lines.Enqueue((read, length));
        _bytes += length;
        if (_lines.Count > maxLines || _bytes > maxBytes)
        {
            while (_lines.Count > maxLines / 2 || _bytes > maxBytes / 2)
            {
                _bytes -= _lines.Dequeue().Bytes;
                _dropped++;
            }
        }
        _more.TrySetResult();
    }
}
