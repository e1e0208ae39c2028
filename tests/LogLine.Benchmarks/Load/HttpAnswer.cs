using System.Buffers.Text;
using System.Text;

namespace LogLine.Benchmarks.Load;

/// <summary>Just enough of HTTP/1.1 to see where an answer with a Content-Length ends.</summary>
internal static class HttpAnswer
{
    /// <summary>True when <paramref name="received"/> is a whole answer.</summary>
    /// <exception cref="InvalidOperationException">The answer is not 200, or has no Content-Length.</exception>
    public static bool IsComplete(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }
        var name = received[..end].IndexOf("\r\nContent-Length: "u8);
        if (!received.StartsWith("HTTP/1.1 200 "u8) || name < 0 || !Utf8Parser.TryParse(received[(name + 18)..end], out int length, out _))
        {
            throw new InvalidOperationException("The server answered:\n" + Encoding.UTF8.GetString(received));
        }
        return received.Length >= end + 4 + length;
    }
}
