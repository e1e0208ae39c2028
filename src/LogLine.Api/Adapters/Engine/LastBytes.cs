namespace LogLine.Api.Adapters.Engine;

/// <summary>The last bytes of a stream, never more than so many; what makes room is counted.</summary>
internal sealed class LastBytes(int max)
{
    byte[] ring = []; // most streams say nothing
    long total;

    public long Dropped => Math.Max(0, total - max);

    public void Append(ReadOnlyMemory<byte> piece)
    {
        var span = piece.Span;
        if (span.IsEmpty)
            return;
        if (ring.Length == 0)
            ring = new byte[max];
        if (span.Length > max)
        {
            total += span.Length - max;
            span = span[^max..];
        }
        var at = (int)(total % max);
        var first = Math.Min(span.Length, max - at);
        span[..first].CopyTo(ring.AsSpan(at));
        span[first..].CopyTo(ring);
        total += span.Length;
    }

    public byte[] ToArray()
    {
        var at = (int)(total % max);
        return total <= max ? ring[..(int)total] : [.. ring.AsSpan(at), .. ring.AsSpan(0, at)];
    }
}
