using System.Globalization;
using System.Text;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Load;

/// <summary>Requests that lie ready in memory; only nonce and key are written when one is sent.</summary>
internal sealed class RequestSource
{
    private const int NumberLength = 16;
    private readonly byte[] _head;
    private readonly int _nonceAt;
    private readonly int _keyAt;
    private readonly IReadOnlyList<byte[]> _bodies;
    private readonly long _firstNonce;
    private readonly long _firstKey;

    /// <summary>Composes the head that all of them share.</summary>
    /// <param name="path">Where they go.</param>
    /// <param name="host">Value of <c>Host</c>.</param>
    /// <param name="apiKey">The token.</param>
    /// <param name="bodies">One body per request, all of one length.</param>
    /// <param name="firstNonce">The nonce of the first; each has one more.</param>
    /// <param name="firstKey">The Idempotency-Key of the first, likewise; none when null.</param>
    public RequestSource(string path, string host, string apiKey, IReadOnlyList<byte[]> bodies, long firstNonce, long? firstKey = null)
    {
        var number = new string('0', NumberLength);
        var head = string.Create(CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {bodies[0].Length}\r\nAuthorization: ApiKey {apiKey}\r\nX-Timestamp: {Timestamps.Write(DateTimeOffset.UtcNow)}\r\nX-Nonce: {number}\r\n{(firstKey is null ? "" : $"Idempotency-Key: {number}\r\n")}\r\n");
        _head = Encoding.ASCII.GetBytes(head);
        _nonceAt = head.IndexOf(number, StringComparison.Ordinal);
        _keyAt = head.LastIndexOf(number, StringComparison.Ordinal);
        (_bodies, _firstNonce, _firstKey) = (bodies, firstNonce, firstKey ?? 0);
    }

    /// <summary>How many there are.</summary>
    public int Count => _bodies.Count;

    /// <summary>Bytes of one request.</summary>
    public int Length => _head.Length + _bodies[0].Length;

    /// <summary>Writes a request.</summary>
    public void Write(int index, Span<byte> buffer)
    {
        _head.CopyTo(buffer);
        (_firstNonce + index).TryFormat(buffer.Slice(_nonceAt, NumberLength), out _, "x16", CultureInfo.InvariantCulture);
        if (_keyAt != _nonceAt)
        {
            (_firstKey + index).TryFormat(buffer.Slice(_keyAt, NumberLength), out _, "x16", CultureInfo.InvariantCulture);
        }
        _bodies[index].CopyTo(buffer[_head.Length..]);
    }
}
