using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Delivery;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Runs;
using LogLine.Api.Submissions;
using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace LogLine.Api.Workers.Serving;

/// <summary>The gateway's side of the worker protocol (docs/workers.md): every route needs a token with the scope <c>runner</c>; all but the first are for registered workers.</summary>
internal static class WorkerEndpoints
{
    private const int MostAnswerBytes = 8 << 20;
    private const int CopyBytes = 128 * 1024;
    private static readonly object CallerKey = new();

    /// <summary>Maps the routes. Where the worker is in this process nobody is served by them, and each says so.</summary>
    public static void MapWorkers(this IEndpointRouteBuilder routes, bool areApart)
    {
        Delegate Here(Delegate serve) => areApart ? serve : NotHereAsync;
        var open = routes.MapGroup("/v1").RequireScope("runner");
        open.MapPost("/workers", Here(RegisterAsync)).Documented(WorkerDocs.Register);
        var known = routes.MapGroup("/v1").RequireScope("runner");
        if (areApart)
        {
            known.AddEndpointFilter(KnownAsync);
        }
        known.MapPost("/runs/lease", Here(LeaseAsync)).Documented(WorkerDocs.Lease);
        known.MapPost("/runs/leases", Here(RenewAsync)).Documented(WorkerDocs.Renew);
        known.MapGet("/runs/{runId}/order", Here(OrderAsync)).Documented(WorkerDocs.Order);
        known.MapPost("/runs/{runId}/reports", Here(ReportAsync)).Documented(WorkerDocs.Report);
        known.MapGet("/runs/{runId}/ended/{kind}/{name}", Here(EndedAsync)).Documented(WorkerDocs.Ended);
        known.MapGet("/runs/{runId}/artifacts/{hash}", Here(ReadArtifactAsync)).Documented(WorkerDocs.ReadArtifact);
        known.MapPut("/runs/{runId}/artifacts/{hash}", Here(KeepArtifactAsync)).Documented(WorkerDocs.KeepArtifact);
        known.MapPost("/workers/answers/{id}", Here(AnswerAsync)).Documented(WorkerDocs.Answer);
    }

    private static Task NotHereAsync(HttpContext http) => http.RefuseAsync(new Rejection(RefusalCode.NotFound, "This gateway carries runs out itself: no worker is served here. Start it with LogLine:Role=gateway to have workers apart (docs/workers.md).")
    {
        Details = new Dictionary<string, object?> { ["reason"] = "workers_not_apart" },
    });

    private static async Task RegisterAsync(HttpContext http, WorkerRegistry registry, RunDesk desk, WorkerLeases leases, ArtifactStore artifacts)
    {
        if (await BodyAsync(http) is not { } said)
        {
            return;
        }
        if (await registry.RegisterAsync(http.Principal(), said, http.RequestAborted) is { } refused)
        {
            await http.RefuseAsync(refused);
            return;
        }
        if (said.Root.Flag("fresh") == true)
        {
            await desk.ReleaseAsync(said.Root.Text("kid") + "/");
        }
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("tenant", http.Principal().Tenant);
            json.WriteString("origin", desk.Ledger.Origin);
            json.WriteString("span_kid", desk.Ledger.Identity.SpanKid);
            json.WriteString("span_public_key", desk.Ledger.Identity.SpanPublicKey);
            json.WriteString("log_public_key", desk.Ledger.Identity.LogPublicKey);
            json.WriteNumber("lease_seconds", (int)leases.Life.TotalSeconds);
            json.WriteNumber("max_artifact_bytes", artifacts.Options.MaxBytes);
            json.WriteEndObject();
        });
    }

    /// <summary><c>{limit, held{run_id: version}, refused[]?, wait_s, targets[{provider, effects[]}]}</c> → <c>{runs[], changed[], lost[], questions[]}</c>.</summary>
    private static async Task LeaseAsync(HttpContext http, WorkerBoard board, LeasePoll poll, IHostApplicationLifetime life)
    {
        if (await BodyAsync(http) is not { } body)
        {
            return;
        }
        var held = body.Root.Member("held") is { ValueKind: JsonValueKind.Object } runs ? runs.EnumerateObject().ToDictionary(run => run.Name, run => run.Value.ToString()) : [];
        var effects = body.Root.Items("targets").Where(target => target.Text("provider") is not null)
            .DistinctBy(target => target.Text("provider")).ToDictionary(target => target.Text("provider")!, target => (IReadOnlySet<string>)target.Texts("effects").ToHashSet());
        var wait = TimeSpan.FromSeconds(Math.Clamp(body.Root.Integer("wait_s") ?? 0, 0, (long)WorkerWire.LongestPoll.TotalSeconds));
        var worker = board.Enter(Caller(http), effects);
        Interlocked.Increment(ref worker.Polls);
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
            var answer = await poll.AnswerAsync(worker, new LeaseWish((int)Math.Clamp(body.Root.Integer("limit") ?? 0, 0, 1000), held, body.Root.Texts("refused"), wait), ending.Token);
            (http.Response.ContentType, http.Response.ContentLength) = ("application/json", answer.Length);
            await http.Response.Body.WriteAsync(answer, http.RequestAborted);
        }
        finally
        {
            Interlocked.Decrement(ref worker.Polls);
        }
    }

    /// <summary><c>{runs[]}</c> → <c>{held[]}</c>: those that are still the worker's.</summary>
    private static async Task RenewAsync(HttpContext http, RunDesk desk, WorkerLeases leases)
    {
        if (await BodyAsync(http) is not { } body)
        {
            return;
        }
        var (caller, mine) = (Caller(http), new List<string>());
        foreach (var runId in body.Root.Texts("runs"))
        {
            // What nobody holds is leased, not renewed: so a worker never gets a run that it has no permit for.
            if (await desk.FindAsync(runId) is { } run && run.LeaseOwner == caller.Id)
            {
                mine.Add(runId);
            }
        }
        var held = await desk.RenewAsync(caller.Id, mine, leases.Life);
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            WorkerWire.WriteTexts(json, "held", held);
            json.WriteEndObject();
        });
    }

    private static async Task OrderAsync(HttpContext http, string runId, RunDesk desk, WorkOrders orders)
    {
        if (await RunAsync(http, runId, desk) is not { } run)
        {
            return;
        }
        await (await orders.OfAsync(run, Caller(http).Key.Kid) is { } order ? http.WriteAsync(order.WriteTo) : http.NotFoundAsync($"span of {run.RunId} (any more)"));
    }

    /// <summary><c>{spans[], result?}</c> → the run as it stands, and a new permit: what it names is as the ledger has it behind these spans.</summary>
    private static async Task ReportAsync(HttpContext http, string runId, RunDesk desk, WorkerReports reports, WorkOrders orders)
    {
        if (await BytesAsync(http) is not { } bytes || await WireBody.ReadAsync(http, bytes) is not { } body || await RunAsync(http, runId, desk) is not { } run)
        {
            return;
        }
        try
        {
            if (await reports.TakeAsync(Caller(http), run, body, http.RequestAborted) is { } refused)
            {
                await http.RefuseAsync(refused);
                return;
            }
        }
        catch (LedgerUnavailableException failure)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 1 });
            return;
        }
        await OrderAsync(http, runId, desk, orders);
    }

    private static async Task EndedAsync(HttpContext http, string runId, string kind, string name, RunDesk desk)
    {
        if (await RunAsync(http, runId, desk) is { } run)
        {
            var ended = kind is "session" or "task" && await desk.HasEndedAsync(run.Tenant, kind, name);
            await http.WriteAsync(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("ended", ended);
                json.WriteEndObject();
            });
        }
    }

    private static async Task ReadArtifactAsync(HttpContext http, string runId, string hash, RunDesk desk, ArtifactStore store)
    {
        if (await RunAsync(http, runId, desk) is not { } run)
        {
            return;
        }
        if (!ArtifactHash.TryParse(hash, out var name) || store.OpenRead(run.Tenant, name) is not { } file)
        {
            await http.NotFoundAsync("artifact of that name");
            return;
        }
        await using (file)
        {
            http.Response.ContentType = "application/octet-stream";
            http.Response.ContentLength = file.Length;
            await file.CopyToAsync(http.Response.Body, CopyBytes, http.RequestAborted);
        }
    }

    private static async Task KeepArtifactAsync(HttpContext http, string runId, string hash, RunDesk desk, ArtifactDesk artifacts)
    {
        if (await RunAsync(http, runId, desk) is not { } run)
        {
            return;
        }
        if (run.LeaseOwner != Caller(http).Id)
        {
            await http.RefuseAsync(WorkerReports.LeaseLost(run));
            return;
        }
        try
        {
            await using var writer = artifacts.Store.Create(run.Tenant);
            using var late = new CancellationTokenSource(artifacts.Store.Options.UploadLimit);
            using (late.Token.Register(http.Request.BodyReader.CancelPendingRead))
            {
                await http.Request.BodyReader.CopyToAsync(writer, http.RequestAborted);
            }
            if (writer.Seal() is var found && found.ToString() != hash)
            {
                await http.RefuseAsync(new Rejection(RefusalCode.PayloadHashMismatch, $"The bytes have the hash {found}, not {hash}; nothing was kept."));
                return;
            }
            var (artifact, _) = await artifacts.KeepAsync(writer, found, new ArtifactActor(run.Tenant, run.Env, Caller(http).Principal.TokenId, run.RunId), http.RequestAborted);
            await http.WriteAsync(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("bytes", artifact.Bytes);
                json.WriteEndObject();
            });
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            http.Response.Headers.Connection = "close";
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, $"The upload did not end within {artifacts.Store.Options.UploadLimit.TotalSeconds:N0} s (LogLine:Artifacts:UploadSeconds); nothing was kept.") { RetryAfterSeconds = 1 });
        }
        catch (ArtifactException failure)
        {
            http.Response.Headers.Connection = "close";
            await http.RefuseAsync(new Rejection(failure.Failure == ArtifactFailure.TooLarge ? RefusalCode.TooLarge : RefusalCode.PolicyDenied, failure.Message)
            {
                Details = new Dictionary<string, object?> { ["rule"] = "artifacts", ["reason"] = failure.Failure.ToString() },
            });
        }
    }

    /// <summary>An answer is one object; a log that is followed is one line of JSON after the other, for as long as somebody reads it.</summary>
    private static async Task AnswerAsync(HttpContext http, string id, WorkerBoard board)
    {
        if (board.Take(id) is not { } question)
        {
            http.Response.Headers.Connection = "close";
            await http.NotFoundAsync("question of that id (any more)");
            return;
        }
        // A container may say nothing for hours.
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } pace)
        {
            pace.MinDataRate = null;
        }
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, question.Over.Token);
        try
        {
            await AnswerReader.ReadAsync(http.Request.BodyReader, question, MostAnswerBytes, reading.Token);
        }
        catch (OperationCanceledException)
        {
            http.Response.Headers.Connection = "close"; // nobody reads it any more, or the worker went
        }
        finally
        {
            question.CutOff();
        }
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async ValueTask<object?> KnownAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (await http.RequestServices.GetRequiredService<WorkerRegistry>().FindAsync(http.Principal(), http.Request.Headers[WorkerWire.Header]) is not { } caller)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Forbidden, $"{WorkerWire.Header} names no worker that this token's tenant has, as <kid>/<instance>. A worker says that it is there first: POST /v1/workers.")
            {
                Details = new Dictionary<string, object?> { ["header"] = WorkerWire.Header, ["reason"] = "worker_unknown" },
            });
            return Results.Empty;
        }
        http.Items[CallerKey] = caller;
        return await next(context);
    }

    private static WorkerCaller Caller(HttpContext http) => (WorkerCaller)http.Items[CallerKey]!;

    /// <summary>A run that the worker serves; null, and answered, for one that does not exist for it.</summary>
    private static async Task<RunRow?> RunAsync(HttpContext http, string runId, RunDesk desk)
    {
        if (runId.Length <= 96 && await desk.FindAsync(runId) is { } run && Caller(http).Serves(run.Tenant))
        {
            return run;
        }
        await http.NotFoundAsync($"run '{(runId.Length <= 96 ? runId : runId[..93] + "…")}'");
        return null;
    }

    private static async Task<byte[]?> BytesAsync(HttpContext http)
    {
        if (await RequestReader.ReadBodyAsync(http) is { } bytes)
        {
            return bytes;
        }
        http.Response.Headers.Connection = "close";
        await http.RefuseAsync(new Rejection(RefusalCode.TooLarge, $"The body is over {JsonLimits.BodyBytes:N0} bytes."));
        return null;
    }

    private static async Task<CanonicalJson?> BodyAsync(HttpContext http) => await BytesAsync(http) is { } bytes ? await WireBody.ReadCanonicalAsync(http, bytes) : null;
}
