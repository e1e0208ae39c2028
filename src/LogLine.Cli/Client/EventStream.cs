using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>What arrives on a stream.</summary>
/// <param name="Seq">The cursor: position in the log + 1.</param>
/// <param name="Span">The span; undefined for a gap.</param>
/// <param name="Gap">What the gateway no longer keeps, in words; null for a span.</param>
internal sealed record StreamItem(long Seq, JsonElement Span, string? Gap = null);

/// <summary>
/// Follows <c>/v1/stream</c> (contract, section 8) and resumes by itself with <c>Last-Event-ID</c>: nothing is lost and nothing comes twice,
/// whatever happens to the connection. It ends with a failure when the gateway refuses, or stays away for <see cref="Away"/>.
/// </summary>
internal sealed class EventStream(GatewayClient gateway, TimeProvider time, Action<string> note)
{
    /// <summary>How long a gateway may be away.</summary>
    public static readonly TimeSpan Away = TimeSpan.FromMinutes(5);

    // Three heartbeats of 15 s.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    private const int MaxEventBytes = 4 << 20;

    private TimeSpan _retry = TimeSpan.FromSeconds(1);
    private long? _openedAt;
    private long? _lostAt;
    private int _failures;

    /// <summary>The last cursor that was handed out.</summary>
    public long? LastSeen { get; private set; }

    /// <summary>The items behind <paramref name="after"/>; without it live ones alone.</summary>
    /// <param name="path">Path and query as the Ack's link has it.</param>
    public async IAsyncEnumerable<Attempt<StreamItem>> FollowAsync(string path, long? after, [EnumeratorCancellation] CancellationToken stop)
    {
        LastSeen = after;
        while (true)
        {
            CommandFailure? broken = null;
            await using var connection = ConnectOnceAsync(path, stop).GetAsyncEnumerator(stop);
            while (broken is null && await connection.MoveNextAsync())
            {
                // A gateway that resumes exactly sends nothing twice; one that does not is not believed.
                if (!connection.Current.Fails(out broken, out var item) && (item.Gap is not null || item.Seq > (LastSeen ?? -1)))
                {
                    LastSeen = Math.Max(item.Seq, LastSeen ?? -1);
                    (_failures, _lostAt) = (0, null);
                    yield return item;
                }
            }
            if (GivenUp(broken) is { } end)
            {
                yield return end;
                yield break;
            }
            if (broken is not null && _failures == 0)
            {
                note($"{broken.Message} Connecting again.");
            }
            await Task.Delay(Pause(_failures++), time, stop);
        }
    }

    /// <summary>
    /// The end of it all, or null to go on. A connection counts as one once it brought something or outlived the heartbeats: a gateway that accepts and
    /// closes, or sends what nobody can read, is as good as away.
    /// </summary>
    private CommandFailure? GivenUp(CommandFailure? broken)
    {
        if (_openedAt is { } opened && time.GetElapsedTime(opened) > Silence)
        {
            (_failures, _lostAt) = (0, null);
        }
        (_openedAt, _lostAt) = (null, _lostAt ?? time.GetTimestamp());
        if (broken is { Code: not "network" })
        {
            return broken;
        }
        return time.GetElapsedTime(_lostAt.Value) > Away
            ? broken ?? new CommandFailure("network", "The gateway closes the stream again and again.", "Add --no-stream to poll instead.")
            : null;
    }

    private TimeSpan Pause(int failures)
    {
        var pause = _retry * (1 << Math.Min(failures, 4)) * (0.5 + (Random.Shared.NextDouble() / 2));
        return pause < LongestPause ? pause : LongestPause;
    }

    private async IAsyncEnumerable<Attempt<StreamItem>> ConnectOnceAsync(string path, [EnumeratorCancellation] CancellationToken stop)
    {
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(stop);
        quiet.CancelAfter(Silence);
        var (failure, response) = await OpenAsync(path, quiet.Token, stop);
        if (failure is not null)
        {
            yield return failure;
            yield break;
        }
        using var opened = response!;
        _openedAt = time.GetTimestamp();
        await using var body = new WatchedStream(await opened.Content.ReadAsStreamAsync(quiet.Token), () => quiet.CancelAfter(Silence));
        var parser = SseParser.Create(body, static (type, data) => (type, data: Parse(data)));
        await using var events = parser.EnumerateAsync(quiet.Token).GetAsyncEnumerator(quiet.Token);
        while (true)
        {
            CommandFailure? broken = null;
            try
            {
                if (!await events.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (Exception lost) when (!stop.IsCancellationRequested && lost is IOException or HttpRequestException or OperationCanceledException or JsonException)
            {
                broken = gateway.Unreachable(lost);
            }
            if (broken is not null)
            {
                yield return broken;
                yield break;
            }
            if (parser.ReconnectionInterval > TimeSpan.Zero)
            {
                _retry = parser.ReconnectionInterval < LongestPause ? parser.ReconnectionInterval : LongestPause;
            }
            body.EventEnded();
            if (Item(events.Current.Data, parser.LastEventId) is { } item)
            {
                yield return item;
            }
        }
    }

    private async Task<(CommandFailure?, HttpResponseMessage?)> OpenAsync(string path, CancellationToken timeout, CancellationToken stop)
    {
        try
        {
            var response = await gateway.OpenStreamAsync(path, LastSeen, timeout);
            if (response.IsSuccessStatusCode)
            {
                return (null, response);
            }
            using (response)
            {
                var body = await response.Content.ReadAsByteArrayAsync(timeout);
                GatewayAnswers.Read(response, body, response.RequestMessage!.RequestUri!).Fails(out var failure, out _);
                // A gateway that is busy or restarting will be back.
                return ((int)response.StatusCode is 429 or >= 500 ? failure! with { Code = "network" } : failure, null);
            }
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException || (lost is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return (gateway.Unreachable(lost), null);
        }
    }

    private static JsonElement Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = JsonLimits.Depth * 2 });
        return JsonElement.ParseValue(ref reader);
    }

    private static StreamItem? Item((string Type, JsonElement Data) received, string id)
    {
        var known = long.TryParse(id, System.Globalization.CultureInfo.InvariantCulture, out var seq);
        return received.Type switch
        {
            "span" when known => new StreamItem(seq, received.Data),
            "gap" => new StreamItem(seq, default, received.Data.GetRawText()),
            _ => null,
        };
    }

    /// <summary>Tells when bytes come, heartbeats included, which the parser keeps to itself, and bounds what one event may hold.</summary>
    private sealed class WatchedStream(Stream inner, Action alive) : Stream
    {
        private long _eventBytes;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            alive();
            _eventBytes += count;
            return _eventBytes <= MaxEventBytes ? count : throw new IOException($"an event of more than {MaxEventBytes} bytes");
        }

        public void EventEnded() => _eventBytes = 0;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
