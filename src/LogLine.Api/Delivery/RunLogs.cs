using System.Globalization;
using System.Text.Json;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Runs;

namespace LogLine.Api.Delivery;

/// <summary>
/// <c>GET /v1/runs/{id}/logs?tail=&amp;grep=&amp;follow=</c>: what the container of a run says, read from its engine, or what a command has said that has ended, from its run. Followed, it comes as server-sent events
/// (<c>log</c>, <c>dropped</c>, <c>end</c>), with memory that does not grow with the output nor with a slow reader.
/// </summary>
internal static class RunLogs
{
    private const int DefaultTail = 100;
    private const int MaxTail = LocalRunLogs.MaxTail;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SlowestWrite = TimeSpan.FromSeconds(20);

    public static async Task ReadAsync(
        HttpContext http, string runId, SpanLedger ledger, IRunLogs logs, LogSeats seats, TimeProvider time, Drain drain, string? tail, string? grep, string? follow)
    {
        var wanted = DefaultTail;
        if (tail is not null && !(int.TryParse(tail, NumberStyles.None, CultureInfo.InvariantCulture, out wanted) && wanted is >= 1 and <= MaxTail))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, $"tail must be an integer from 1 to {MaxTail}") { Errors = [new FieldError("/tail", "query", $"must be an integer from 1 to {MaxTail}")] });
            return;
        }
        if (follow is not (null or "true" or "1" or "false" or "0"))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, "follow must be true or false") { Errors = [new FieldError("/follow", "query", "must be true or false")] });
            return;
        }
        if (await ledger.Store.FindRunAsync(runId) is not { } run || run.Tenant != http.Principal().Tenant)
        {
            await http.NotFoundAsync($"run '{(runId.Length <= 96 ? runId : runId[..93] + "…")}'");
            return;
        }
        var follows = follow is "true" or "1";
        using var seat = follows ? seats.Take(run.Tenant) : null;
        if (follows && seat is null)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, "As many logs are followed as this gateway, or this tenant, may.") { RetryAfterSeconds = 5 });
            return;
        }
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, drain.Over);
            var kept = KeptOutput.Of(run);
            if (follows && (kept?.Follow(wanted, grep) ?? await logs.FollowAsync(run, wanted, grep, ending.Token)) is { } followed)
            {
                await FollowAsync(http, followed, time, ending);
            }
            else if (!follows && (kept?.Read(wanted, grep) ?? await logs.ReadAsync(run, wanted, grep, http.RequestAborted)) is { } read)
            {
                await http.WriteAsync(json => Write(json, read));
            }
            else
            {
                await http.NotFoundAsync(Missing(run));
            }
        }
        catch (AdapterException failure) when (!http.Response.HasStarted)
        {
            await http.RefuseAsync(failure.Failure switch
            {
                AdapterFailure.NotFound => new Rejection(RefusalCode.NotFound, failure.Message),
                AdapterFailure.Busy => new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 5 },
                _ => new Rejection(RefusalCode.AdapterUnavailable, failure.Message) { RetryAfterSeconds = 5 },
            });
        }
    }

    /// <summary>What is not there, and where else to look.</summary>
    private static string Missing(RunRow run) =>
        DeployOrder.IsDeploy(run) ? $"container of the run {run.RunId} (any more); its last lines are log_tail in GET /v1/runs/{run.RunId}, once it has ended"
        : LocalRunLogs.IsCommand(run) && run.HasEnded ? $"output of the run {run.RunId}: its command has no result ('{RunStates.Name(run.State)}', {run.Reason}), and its container is gone; send the command again to another one"
        : $"container of the run {run.RunId} (any more), and an engine removes a container's log with it; what the run brought is result in GET /v1/runs/{run.RunId}";

    private static void Write(Utf8JsonWriter json, LogTail read)
    {
        json.WriteStartObject();
        json.WriteStartArray("lines");
        foreach (var line in read.Lines)
        {
            json.WriteStringValue(line);
        }
        json.WriteEndArray();
        json.WriteNumber("dropped", read.Dropped);
        json.WriteEndObject();
    }

    private static async Task FollowAsync(HttpContext http, FollowedLog log, TimeProvider time, CancellationTokenSource ending)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await http.Response.WriteAsync(": following\n\n", ending.Token);
            while (await NextAsync(http, log, time, ending.Token) is var (lines, dropped))
            {
                if (dropped > 0)
                {
                    await SendAsync(http, "dropped", json => json.WriteNumber("lines", dropped), time, ending.Token);
                }
                foreach (var line in lines)
                {
                    await SendAsync(http, "log", json =>
                    {
                        json.WriteString("source", line.Source == 2 ? "stderr" : "stdout");
                        json.WriteString("line", line.Text);
                    }, time, ending.Token);
                }
                await FlushAsync(http, time, ending.Token);
            }
            await Task.WhenAny(log.Reading);
            if (log.Reading.IsFaulted)
            {
                return; // cut off: the reader comes back
            }
            await SendAsync(http, "end", json =>
            {
                if (log.ContainerId is not null)
                {
                    json.WriteString("container_id", log.ContainerId);
                }
            }, time, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client went, or the server stops.
        }
        catch (TimeoutException)
        {
            http.Abort(); // the reader was too slow
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAny(log.Reading);
        }
    }

    /// <summary>The next lines, with a sign of life while there are none.</summary>
    private static async Task<(IReadOnlyList<LogLineRead>, long)?> NextAsync(HttpContext http, FollowedLog log, TimeProvider time, CancellationToken ending)
    {
        var next = log.Ring.TakeAsync(ending);
        while (true)
        {
            try
            {
                return await next.WaitAsync(Heartbeat, time, ending);
            }
            catch (TimeoutException)
            {
                await http.Response.WriteAsync(": \n\n", ending);
                await FlushAsync(http, time, ending);
            }
        }
    }

    private static async Task SendAsync(HttpContext http, string name, Action<Utf8JsonWriter> write, TimeProvider time, CancellationToken ending)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, AnswerJson.Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        await http.Response.WriteAsync($"event: {name}\ndata: {System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan)}\n\n", ending).WaitAsync(SlowestWrite, time, ending);
    }

    private static Task FlushAsync(HttpContext http, TimeProvider time, CancellationToken ending) => http.Response.Body.FlushAsync(ending).WaitAsync(SlowestWrite, time, ending);
}
