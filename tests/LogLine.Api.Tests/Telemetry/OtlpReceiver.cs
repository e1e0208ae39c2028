using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using LogLine.Api.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LogLine.Api.Tests.Telemetry;

/// <summary>A span as a collector gets it.</summary>
internal sealed record ReceivedSpan(string TraceId, string SpanId, string Parent, string Name, long Kind, IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<(string TraceId, string SpanId)> Links);

/// <summary>A collector: takes OTLP over HTTP, protobuf as it is on the wire, on a port of its own.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<byte[]> _bodies = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpReceiver(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>Everything that came, as text in which whatever was sent as text can be found.</summary>
    public string Raw => string.Concat(_bodies.Select(Encoding.Latin1.GetString));

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = new();

    public ConcurrentDictionary<string, bool> Metrics { get; } = new();

    public ConcurrentDictionary<string, string> Resource { get; } = new();

    /// <summary>What makes a gateway send here, soon after something happened.</summary>
    public Dictionary<string, string?> Settings => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Address, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
        ["OTEL_BSP_MAX_QUEUE_SIZE"] = "65536", // what other tests of this process do is sent as well
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200", ["OTEL_SERVICE_NAME"] = "logline-under-test",
    };

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var receiver = new OtlpReceiver(builder.Build());
        receiver._app.MapPost("/v1/traces", http => receiver.TakeAsync(http, receiver.ReadTraces));
        receiver._app.MapPost("/v1/metrics", http => receiver.TakeAsync(http, receiver.ReadMetrics));
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Completes when what has come is enough.</summary>
    public async Task UntilAsync(Func<bool> isEnough)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        for (var more = Volatile.Read(ref _more).Task; !isEnough(); more = Volatile.Read(ref _more).Task)
        {
            Assert.False(patience.IsCancellationRequested, "not enough has come: " + string.Join(", ", Spans.Select(span => $"{span.TraceId[..4]} {span.Name}").Distinct()));
            await more.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TakeAsync(HttpContext http, Action<byte[]> read)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        _bodies.Enqueue(body.ToArray());
        read(body.ToArray());
        http.Response.ContentType = "application/x-protobuf";
        Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    // The numbers are those of opentelemetry-proto: trace.proto, metrics.proto, common.proto.
    private void ReadTraces(byte[] body)
    {
        foreach (var resourceSpans in Messages(body, 1))
        {
            ReadResource(resourceSpans);
            foreach (var span in Messages(resourceSpans, 2).SelectMany(scope => Messages(scope, 2)))
            {
                Spans.Enqueue(new ReceivedSpan(
                    Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5), Fields(span).Where(field => field.Number == 6).Select(field => field.Value).FirstOrDefault(), Attributes(span, 9),
                    [.. Messages(span, 13).Select(link => (Hex(link, 1), Hex(link, 2)))]));
            }
        }
    }

    private void ReadMetrics(byte[] body)
    {
        foreach (var resourceMetrics in Messages(body, 1))
        {
            ReadResource(resourceMetrics);
            foreach (var metric in Messages(resourceMetrics, 2).SelectMany(scope => Messages(scope, 2)))
            {
                Metrics[Text(metric, 1)] = true;
            }
        }
    }

    private void ReadResource(byte[] holder)
    {
        foreach (var (key, value) in Messages(holder, 1).SelectMany(resource => Attributes(resource, 1)))
        {
            Resource[key] = value;
        }
    }

    private static Dictionary<string, string> Attributes(byte[] message, int number) =>
        Messages(message, number).ToDictionary(pair => Text(pair, 1), pair => Fields(Messages(pair, 2).Single()).Select(value => value.Number == 1 ? Encoding.UTF8.GetString(value.Bytes) : value.Value.ToString()).Single());

    private static IEnumerable<byte[]> Messages(byte[] message, int number) => Fields(message).Where(field => field.Number == number).Select(field => field.Bytes);

    private static string Text(byte[] message, int number) => Encoding.UTF8.GetString(Messages(message, number).FirstOrDefault([]));

    private static string Hex(byte[] message, int number) => Convert.ToHexStringLower(Messages(message, number).FirstOrDefault([]));

    /// <summary>The fields of a protobuf message: number, and a value or bytes.</summary>
    private static List<(int Number, long Value, byte[] Bytes)> Fields(byte[] message)
    {
        var fields = new List<(int, long, byte[])>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    fields.Add((number, (long)Varint(message, ref at), []));
                    break;
                case 1:
                    fields.Add((number, BinaryPrimitives.ReadInt64LittleEndian(message.AsSpan(at)), []));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    fields.Add((number, 0, message[at..(at + length)]));
                    at += length;
                    break;
                case 5:
                    fields.Add((number, BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(at)), []));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException("no protobuf");
            }
        }
        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
