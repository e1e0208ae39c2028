using System.Text;

namespace LogLine.Api.Runs;

/// <summary>Puts the lines of two interleaved outputs together from the pieces in which they come. A line takes its place when it ends; one that is longer than so many bytes keeps its beginning.</summary>
internal sealed class OutputLines(int mostBytes)
{
    private readonly MemoryStream[] _open = [new(), new(), new()];
    private readonly bool[] _isCut = new bool[3];

    /// <summary>Lines that have not ended yet.</summary>
    public IEnumerable<LogLineRead> Open => Enumerable.Range(0, _open.Length).Where(source => _open[source].Length > 0).Select(source => Read(source, isCut: true));

    /// <summary>Takes a piece, whole lines or not, and hands on each line that ends in it, with its length in bytes.</summary>
    public void Append(int source, ReadOnlyMemory<byte> piece, Action<LogLineRead, int> ended)
    {
        var rest = piece.Span;
        int end;
        while ((end = rest.IndexOf((byte)'\n')) >= 0)
        {
            Hold(source, rest[..end]);
            Close(source, _isCut[source], ended);
            rest = rest[(end + 1)..];
        }
        Hold(source, rest);
    }

    /// <summary>Hands on what has not ended as if it had; <paramref name="isCut"/> where more of it may be on its way.</summary>
    public void End(bool isCut, Action<LogLineRead, int> ended)
    {
        for (var source = 0; source < _open.Length; source++)
        {
            if (_open[source].Length > 0)
            {
                Close(source, isCut || _isCut[source], ended);
            }
        }
    }

    private void Hold(int source, ReadOnlySpan<byte> piece)
    {
        var fits = (int)Math.Min(piece.Length, mostBytes - _open[source].Length);
        _open[source].Write(piece[..fits]);
        _isCut[source] |= fits < piece.Length;
    }

    private void Close(int source, bool isCut, Action<LogLineRead, int> ended)
    {
        var (line, length) = (Read(source, isCut), (int)_open[source].Length);
        _open[source].SetLength(0);
        _isCut[source] = false;
        ended(line, length);
    }

    private LogLineRead Read(int source, bool isCut)
    {
        var text = Encoding.UTF8.GetString(_open[source].GetBuffer(), 0, (int)_open[source].Length);
        return new LogLineRead(source == 2 ? 2 : 1, text.TrimEnd('\r'), isCut);
    }
}
