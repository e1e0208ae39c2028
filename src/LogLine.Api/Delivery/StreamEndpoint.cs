using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Tenants;

namespace LogLine.Api.Delivery;

/// <summary>
/// <c>GET /v1/stream</c>: the ledger read from a cursor, as server-sent events (WHATWG). <c>id</c> is <c>seq</c> = log index + 1, so a client that says the
/// last one it saw goes on exactly there. Spans are canonical JSON, so no line break can stand in one and nothing can forge a frame.
/// </summary>
internal static class StreamEndpoint
{
    private const int PageSize = 256;
    private const int RetryMilliseconds = 2000;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SlowestWrite = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(30);

    public static void MapStream(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/stream", StreamAsync).RequireReader();

    private static async Task StreamAsync(
        HttpContext http, SpanLedger ledger, TenantDirectory tenants, TimeProvider time, IHostApplicationLifetime life, string? subject, string? run_id, string? intent, string? after)
    {
        var resume = http.Request.Headers["Last-Event-ID"];
        var cursor = resume.Count > 0 && resume[0]!.Length > 0 ? resume[0] : after;
        var from = ledger.Size;
        if (cursor is not null && !(long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out from) && from >= 0))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.MalformedHeader, "Last-Event-ID or 'after' must be the id of an event, an integer from 0."));
            return;
        }
        var response = http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
        // Connections move on after a while, not all at once, so that replicas share them again after a restart.
        ending.CancelAfter(Life * (0.75 + (Random.Shared.NextDouble() / 2)));
        var writer = response.BodyWriter;
        writer.Write(Encoding.ASCII.GetBytes($"retry: {RetryMilliseconds}\n: from {from}\n\n"));
        try
        {
            await FlushAsync(writer, time, ending.Token);
            await FollowAsync(writer, ledger, SpanFilter.Of(http.Principal().Tenant, subject, run_id, intent), from, () => StillValidAsync(http, tenants), time, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client went, the server stops, or the reader was too slow: it comes back with its cursor.
        }
    }

    private static async Task FollowAsync(PipeWriter writer, SpanLedger ledger, SpanFilter filter, long next, Func<ValueTask<bool>> isValid, TimeProvider time, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            // A revocation is an entry too, so it wakes every stream, and holds from here on.
            if (!await isValid())
            {
                return;
            }
            var size = ledger.Size;
            while (next < size)
            {
                (var spans, next) = await ledger.Store.ScanAsync(filter, next, PageSize);
                foreach (var span in spans)
                {
                    WriteEvent(writer, span);
                }
                if (spans.Count > 0)
                {
                    await FlushAsync(writer, time, ending);
                }
            }
            try
            {
                await ledger.WaitForMoreAsync(next, ending).WaitAsync(Heartbeat, time, ending);
            }
            catch (TimeoutException)
            {
                writer.Write(": ping\n\n"u8);
                await FlushAsync(writer, time, ending);
            }
        }
    }

    /// <summary>A reader that does not take what is sent within a while is cut off; memory never grows with its slowness.</summary>
    private static async Task FlushAsync(PipeWriter writer, TimeProvider time, CancellationToken ending)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending);
        using var timer = time.CreateTimer(state => ((CancellationTokenSource)state!).Cancel(), patience, SlowestWrite, Timeout.InfiniteTimeSpan);
        await writer.FlushAsync(patience.Token);
    }

    private static async ValueTask<bool> StillValidAsync(HttpContext http, TenantDirectory tenants)
    {
        var header = http.Request.Headers.Authorization.ToString();
        return await tenants.AuthenticateAsync(header[(header.IndexOf(' ') + 1)..].Trim()) is not null;
    }

    private static void WriteEvent(PipeWriter writer, StoredSpan span)
    {
        writer.Write("id: "u8);
        var digits = writer.GetSpan(20);
        Utf8Formatter.TryFormat(span.Index + 1, digits, out var length);
        writer.Advance(length);
        writer.Write("\nevent: span\ndata: "u8);
        writer.Write(span.Span);
        writer.Write("\n\n"u8);
    }

    private static void Write(this PipeWriter writer, ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(writer, bytes);
}
