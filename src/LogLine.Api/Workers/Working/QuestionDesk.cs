using System.Net;
using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Working;

/// <summary>Answers what gateways want to know of this worker's engines. All of it is looking: nothing here changes anything.</summary>
internal sealed class QuestionDesk(GatewayConnection connection, RunTargets targets, IRunLogs logs, AnsweredLooks looks, TimeProvider time, ILogger<QuestionDesk> logger)
{
    private const int MostLooks = 64;
    private const int MostFollows = 256;

    /// <summary>A log is followed for so long at most; whoever reads it comes back.</summary>
    private static readonly TimeSpan LongestFollow = TimeSpan.FromHours(12);

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _looks = new(MostLooks);
    private readonly SemaphoreSlim _follows = new(MostFollows);

    /// <summary>Answers a question, in its own time.</summary>
    public void Take(Uri gateway, JsonElement question, CancellationToken stopping) => _ = AnswerAsync(gateway, question, stopping);

    private async Task AnswerAsync(Uri gateway, JsonElement question, CancellationToken stopping)
    {
        var follows = question.Text("kind") == "follow";
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        over.CancelAfter(follows ? LongestFollow : Patience);
        var seats = follows ? _follows : _looks;
        var isSeated = await seats.WaitAsync(TimeSpan.FromSeconds(5), over.Token).ContinueWith(seat => seat is { IsCompletedSuccessfully: true, Result: true }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            using HttpContent content = !isSeated ? new ByteArrayContent(Failure(new AdapterException(AdapterFailure.Unavailable, "this worker answers as many questions as it may")))
                : follows ? new LineContent((stream, cancel) => FollowAsync(question, stream, cancel), over.Token)
                : new ByteArrayContent(await TellAsync(question, over.Token));
            await connection.PushAsync(gateway, "v1/workers/answers/" + question.Text("id"), content, over.Token);
        }
        catch (Exception away) when (away is HttpRequestException or IOException or OperationCanceledException)
        {
            // Whoever asked is gone, or we are.
        }
        catch (Exception defect)
        {
            logger.LogError(defect, "A question about {Provider} was not answered.", question.Text("provider"));
        }
        finally
        {
            if (isSeated)
            {
                seats.Release();
            }
        }
    }

    private async Task<byte[]> TellAsync(JsonElement question, CancellationToken cancel)
    {
        try
        {
            return Result(await LookAsync(question, cancel));
        }
        catch (AdapterException refused)
        {
            return Failure(refused);
        }
    }

    private async Task<Action<Utf8JsonWriter>?> LookAsync(JsonElement question, CancellationToken cancel)
    {
        var provider = question.Text("provider")!;
        var target = targets.Find(provider) ?? throw new AdapterException(AdapterFailure.Unavailable, $"this worker has no {provider}");
        switch (question.Text("kind"))
        {
            case "status":
                var status = await targets.StatusAsync(provider, null, cancel);
                return json => JsonSerializer.Serialize(json, status, WorkerJson.Default.AdapterStatus);
            case "find_run":
                return Write(await target.FindByRunAsync(question.Text("run_id")!, cancel));
            case "find_name":
                return Write(await FindAsync(target, question.Text("tenant")!, question.Text("name")!, question.Text("run_id"), cancel));
            case "log":
                var read = await logs.ReadAsync(WorkerWire.ReadRun(question.Member("run")), (int)(question.Integer("tail") ?? 1), question.Text("grep"), cancel);
                return read is null ? null : json => JsonSerializer.Serialize(json, read, WorkerJson.Default.LogTail);
            default:
                throw new AdapterException(AdapterFailure.Refused, "this worker does not know such a question");
        }
    }

    private async Task<Workload?> FindAsync(IRunTarget target, string tenant, string name, string? runId, CancellationToken cancel)
    {
        var at = time.GetTimestamp();
        var found = await target.FindByNameAsync(tenant, name, cancel);
        if (runId is not null)
        {
            looks.Note(runId, new AnsweredLook(target.Provider, tenant, name, new SeenWorkload(found, at)));
        }
        return found;
    }

    private async Task FollowAsync(JsonElement question, Stream stream, CancellationToken cancel)
    {
        using var following = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task? reading = null;
        try
        {
            var log = await logs.FollowAsync(WorkerWire.ReadRun(question.Member("run")), (int)(question.Integer("tail") ?? 1), question.Text("grep"), following.Token);
            await SayAsync(stream, Result(log is null ? null : json =>
            {
                json.WriteStartObject();
                json.WriteString("container_id", log.ContainerId);
                json.WriteEndObject();
            }), cancel);
            reading = log?.Reading;
            while (log is not null && await NextAsync(log, stream, cancel) is var (lines, dropped))
            {
                await SayAsync(stream, Lines(lines, dropped), cancel);
            }
            await Task.WhenAny(reading ?? Task.CompletedTask);
            if (reading is not { IsFaulted: true }) // else it was cut off, and the reader comes back
            {
                await SayAsync(stream, WorkerWire.Object(json => json.WriteBoolean("end", true)), cancel);
            }
        }
        catch (AdapterException refused)
        {
            await SayAsync(stream, Failure(refused), cancel);
        }
        finally
        {
            await following.CancelAsync();
            await Task.WhenAny(reading ?? Task.CompletedTask);
        }
    }

    /// <summary>The next lines; while there are none, an empty one now and then, so that nobody on the way takes the wire for dead.</summary>
    private async Task<(IReadOnlyList<LogLineRead>, long)?> NextAsync(FollowedLog log, Stream stream, CancellationToken cancel)
    {
        var next = log.Ring.TakeAsync(cancel);
        while (true)
        {
            try
            {
                return await next.WaitAsync(Heartbeat, time, cancel);
            }
            catch (TimeoutException)
            {
                await SayAsync(stream, "\n"u8.ToArray(), cancel);
            }
        }
    }

    private static byte[] Lines(IReadOnlyList<LogLineRead> lines, long dropped)
    {
        using var all = new MemoryStream();
        if (dropped > 0)
        {
            all.Write(WorkerWire.Object(json => json.WriteNumber("dropped", dropped)));
            all.WriteByte((byte)'\n');
        }
        foreach (var line in lines)
        {
            all.Write(WorkerWire.Object(json =>
            {
                json.WriteNumber("source", line.Source);
                json.WriteString("text", line.Text);
            }));
            all.WriteByte((byte)'\n');
        }
        return all.ToArray();
    }

    private static async Task SayAsync(Stream stream, byte[] line, CancellationToken cancel)
    {
        await stream.WriteAsync(line, cancel);
        if (line.Length > 0 && line[^1] != '\n')
        {
            stream.WriteByte((byte)'\n');
        }
        await stream.FlushAsync(cancel);
    }

    private static Action<Utf8JsonWriter>? Write(Workload? workload) => workload is null ? null : json => JsonSerializer.Serialize(json, workload, WorkerJson.Default.Workload);

    private static byte[] Result(Action<Utf8JsonWriter>? result) => WorkerWire.Object(json =>
    {
        if (result is not null)
        {
            json.WritePropertyName("result");
            result(json);
        }
    });

    private static byte[] Failure(AdapterException refused) => WorkerWire.Object(json =>
    {
        json.WriteString("failure", refused.Failure.ToString());
        json.WriteString("message", refused.Message);
    });

    /// <summary>A body that is written while there is something to say.</summary>
    private sealed class LineContent(Func<Stream, CancellationToken, Task> write, CancellationToken over) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream, over);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(over, cancellationToken);
            await write(stream, both.Token);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }
    }
}
