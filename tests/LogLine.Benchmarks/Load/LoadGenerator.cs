using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LogLine.Benchmarks.Load;

/// <summary>
/// One thread, many connections, one request in flight on each. It waits in poll(2) and does nothing between answer and next request but copy
/// prepared bytes, so that the cores it shares with the server go to the server.
/// </summary>
internal sealed partial class LoadGenerator(IPEndPoint server, int connections)
{
    private const int PatienceMilliseconds = 30_000;
    private const short Readable = 1;

    /// <summary>Sends every request of the source once.</summary>
    /// <param name="source">The requests.</param>
    /// <param name="perSecond">When each is due, whatever the answers do (latency counts from then on); as fast as they come when null.</param>
    public LoadResult Run(RequestSource source, double? perSecond = null)
    {
        var lines = Enumerable.Range(0, connections).Select(_ => new Connection(server, source.Length)).ToArray();
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        try
        {
            var latencies = new RunningLoad(source, lines, started, perSecond).Finish();
            return new LoadResult(source.Count, Stopwatch.GetElapsedTime(started), latencies, Process.GetCurrentProcess().TotalProcessorTime - processor);
        }
        finally
        {
            foreach (var line in lines)
            {
                line.Dispose();
            }
        }
    }

    /// <summary>One run in progress.</summary>
    private sealed class RunningLoad(RequestSource source, Connection[] lines, long started, double? perSecond)
    {
        private readonly PollEntry[] _entries = [.. lines.Select(line => new PollEntry { Handle = line.Handle, Events = Readable })];
        private readonly double[] _milliseconds = new double[source.Count];
        private readonly Stack<int> _idle = new(Enumerable.Range(0, lines.Length));
        private int _next;
        private int _done;

        /// <summary>Runs to the end; milliseconds per request.</summary>
        public double[] Finish()
        {
            while (_done < source.Count)
            {
                SendDue();
                if (Poll(Patience()) == 0 && _idle.Count < lines.Length && perSecond is null)
                {
                    throw new TimeoutException($"No answer for {PatienceMilliseconds / 1000} s.");
                }
                for (var i = 0; i < _entries.Length; i++)
                {
                    if (_entries[i].Happened != 0 && lines[i].Receive())
                    {
                        _milliseconds[_done++] = Stopwatch.GetElapsedTime(lines[i].Due).TotalMilliseconds;
                        _idle.Push(i);
                    }
                }
            }
            return _milliseconds;
        }

        private void SendDue()
        {
            while (_next < source.Count && _idle.Count > 0)
            {
                var due = perSecond is { } rate ? started + (long)(_next / rate * Stopwatch.Frequency) : Stopwatch.GetTimestamp();
                if (due > Stopwatch.GetTimestamp())
                {
                    return;
                }
                lines[_idle.Pop()].Send(source, _next++, due);
            }
        }

        private int Patience() => perSecond is null ? PatienceMilliseconds : _next < source.Count && _idle.Count > 0 ? 1 : 100;

        private int Poll(int milliseconds)
        {
            var happened = poll(_entries, (nuint)_entries.Length, milliseconds);
            return happened >= 0 ? happened : throw new IOException("poll failed: " + Marshal.GetLastPInvokeErrorMessage());
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll([In, Out] PollEntry[] entries, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Handle;
        public short Events;
        public short Happened;
    }

    /// <summary>A kept-alive connection and the answer that is coming in on it.</summary>
    private sealed class Connection : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly byte[] _request;
        private byte[] _answer = new byte[256 * 1024];
        private int _received;

        public Connection(IPEndPoint server, int requestLength)
        {
            _socket.Connect(server);
            _request = new byte[requestLength];
        }

        public int Handle => (int)_socket.Handle;

        /// <summary>When the request in flight was due.</summary>
        public long Due { get; private set; }

        public void Send(RequestSource source, int index, long due)
        {
            Due = due;
            source.Write(index, _request);
            _received = 0;
            if (_socket.Send(_request) != _request.Length)
            {
                throw new IOException("A request was not sent whole.");
            }
        }

        /// <summary>Takes what has come; true when the answer is complete.</summary>
        /// <exception cref="InvalidOperationException">It is another one than 200.</exception>
        public bool Receive()
        {
            if (_received == _answer.Length)
            {
                Array.Resize(ref _answer, 2 * _answer.Length); // a hundred receipts in a log of a million entries
            }
            var count = _socket.Receive(_answer.AsSpan(_received));
            if (count == 0)
            {
                throw new IOException("The server closed a connection.");
            }
            _received += count;
            return HttpAnswer.IsComplete(_answer.AsSpan(0, _received));
        }

        public void Dispose() => _socket.Dispose();
    }
}
