using System.Text;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>A line of output: 1 standard output, 2 standard error. One that is cut lacks its end: it was too long, or has not come yet.</summary>
public sealed record LogLineRead(int Source, string Text, bool IsCut = false)
{
    /// <summary>Its text without secrets, nor what is left of one at an edge.</summary>
    public string Masked(SecretMask mask) => mask.ApplyToLine(Text, IsCut);
}

/// <summary>
/// The last lines of an output that is followed, between whoever writes it and one reader. It never holds more than its limits: when a reader is too slow,
/// the oldest lines go until half of it is free, and the reader is told how many. Memory does not grow with the output.
/// </summary>
public sealed class LogRing(int maxLines = LogRing.DefaultLines, int maxBytes = LogRing.DefaultBytes)
{
    /// <summary>Lines at most.</summary>
    public const int DefaultLines = 10_000;

    /// <summary>Bytes at most.</summary>
    public const int DefaultBytes = 1 << 20;

    private readonly Queue<(LogLineRead Line, int Bytes)> _lines = new();
    private readonly MemoryStream[] _open = [new(), new(), new()];
    private readonly bool[] _isCut = new bool[3];
    private readonly Lock _lock = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytes;
    private long _dropped;
    private bool _isEnded;

    /// <summary>Takes a piece of output, whole lines or not.</summary>
    public void Append(int source, ReadOnlyMemory<byte> piece)
    {
        lock (_lock)
        {
            var rest = piece.Span;
            int end;
            while ((end = rest.IndexOf((byte)'\n')) >= 0)
            {
                Hold(source, rest[..end]);
                Close(source);
                rest = rest[(end + 1)..];
            }
            Hold(source, rest);
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
            var open = Enumerable.Range(0, _open.Length).Where(source => _open[source].Length > 0)
                .Select(source => new LogLineRead(source == 2 ? 2 : 1, Encoding.UTF8.GetString(_open[source].GetBuffer(), 0, (int)_open[source].Length), IsCut: true));
            return ([.. _lines.Select(line => line.Line)], [.. open], _dropped);
        }
    }

    /// <summary>Says that nothing more comes.</summary>
    public void End()
    {
        lock (_lock)
        {
            for (var source = 0; source < _open.Length; source++)
            {
                if (_open[source].Length > 0)
                {
                    Close(source);
                }
            }
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

    private void Hold(int source, ReadOnlySpan<byte> piece)
    {
        var fits = (int)Math.Min(piece.Length, (maxBytes / 4) - _open[source].Length);
        _open[source].Write(piece[..fits]);
        _isCut[source] |= fits < piece.Length;
    }

    private void Close(int source)
    {
        var line = _open[source];
        var length = (int)line.Length;
        var read = new LogLineRead(source == 2 ? 2 : 1, Encoding.UTF8.GetString(line.GetBuffer(), 0, length).TrimEnd('\r'), _isCut[source]);
        line.SetLength(0);
        _isCut[source] = false;
        Put(read, length);
    }

    private void Put(LogLineRead line, int length)
    {
        _lines.Enqueue((line, length));
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
