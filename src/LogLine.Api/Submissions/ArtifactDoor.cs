using System.Text;
using LogLine.Api.Artifacts;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Telemetry;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace LogLine.Api.Submissions;

/// <summary>
/// What the artifact routes do. Both pass the gate: bytes with their head, before one of them is taken, and again when they are whole; a removal like any other act.
/// </summary>
internal sealed class ArtifactDoor(RequestReader requests, TdlnGate gate, Submitter submitter, RefusalLog refusals, ArtifactDesk desk, TimeProvider time)
{
    private const int LeastBytesPerSecond = 16 * 1024;

    /// <summary>201 <c>{hash, bytes, changed: true}</c>, or 200 with <c>changed: false</c> for what is there already.</summary>
    public async Task PutAsync(HttpContext http, string name, UploadSeats uploads)
    {
        if (http.Request.ContentLength > desk.Store.Options.MaxBytes)
        {
            await RefuseAsync(http, TooLarge($"An artifact has at most {desk.Store.Options.MaxBytes:N0} bytes (LogLine:Artifacts:MaxBytes)."));
            return;
        }
        var (submission, refused) = await ScreenAsync(http, name);
        if (submission is null)
        {
            await RefuseAsync(http, refused!);
            return;
        }
        using var seat = uploads.Take(submission.Tenant);
        if (seat is null)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.Busy, "Too many artifacts are being uploaded at once, by all tenants or by this one.") { RetryAfterSeconds = 1 });
            return;
        }
        if (HttpProtocol.IsHttp11(http.Request.Protocol) && http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } slowest)
        {
            slowest.MinDataRate = new MinDataRate(LeastBytesPerSecond, TimeSpan.FromSeconds(10));
        }
        using var late = new CancellationTokenSource(desk.Store.Options.UploadLimit, time);
        try
        {
            await TakeAsync(http, submission, late.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.Busy, $"The upload did not end within {desk.Store.Options.UploadLimit.TotalSeconds:N0} s (LogLine:Artifacts:UploadSeconds); nothing was kept.")
            {
                RetryAfterSeconds = 1, Details = new Dictionary<string, object?> { ["reason"] = "too_slow" },
            });
        }
        catch (ArtifactException failure)
        {
            await RefuseAsync(http, Rejected(failure), submission);
        }
    }

    /// <summary>
    /// 204; the bytes are gone, what the ledger says of them stays. When the gateway dies between the span and the file, the bytes are there still, and the next removal finds them.
    /// </summary>
    public async Task RemoveAsync(HttpContext http, string name)
    {
        using var turn = ArtifactHash.TryParse(name, out var hash) ? await desk.RemovalAsync(hash, http.RequestAborted) : null;
        await http.ActAsync(new("artifact.remove", (_, tenant) => Identifiers.ArtifactSubject(tenant), "hash", name, 204) { Done = tenant => desk.Store.Remove(tenant, hash!) });
    }

    /// <summary>The head of an upload, judged: all that can be said before its bytes come.</summary>
    private async Task<(Submission? Submission, Rejection? Refused)> ScreenAsync(HttpContext http, string name)
    {
        var isName = ArtifactHash.TryParse(name, out var hash);
        var (head, refused) = await requests.ReadHeadAsync(http, http.TraceId(), isName ? hash!.ToString() : ContentHash.Of(Encoding.UTF8.GetBytes(name)));
        if (head is null)
        {
            return (null, refused);
        }
        var submission = head with { Compiled = Wish(head, null, isName ? null : NoName) };
        (refused, var counted) = await gate.ScreenAsync(submission, http.RequestAborted);
        if (refused is not null)
        {
            refusals.Record(submission, refused);
            return (null, refused);
        }
        return (submission with { Counted = counted }, null);
    }

    private async Task TakeAsync(HttpContext http, Submission submission, CancellationToken late)
    {
        await using var writer = desk.Store.Create(submission.Tenant);
        var body = http.Request.BodyReader;
        using (late.Register(body.CancelPendingRead)) // not the read itself is given up: the connection is still to be answered on
        {
            await body.CopyToAsync(writer, http.RequestAborted);
        }
        var hash = writer.Seal();
        if (hash.ToString() != submission.BytesHash)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.PayloadHashMismatch, $"The bytes have the hash {hash}, not {submission.BytesHash}; nothing was kept.")
            {
                Details = new Dictionary<string, object?> { ["expected"] = submission.BytesHash, ["found"] = hash.ToString(), ["bytes"] = writer.Length },
            }, submission);
            return;
        }
        // The bytes may have come for an hour: who was revoked meanwhile learns and keeps nothing.
        if (await requests.AuthenticateAsync(http, fresh: true) is (_, { } revoked))
        {
            await RefuseAsync(http, revoked);
            return;
        }
        if (desk.Store.Find(submission.Tenant, hash) is not null)
        {
            await AnswerAsync(http, hash, writer.Length, isNew: false);
            return;
        }
        await KeepAsync(http, submission with { Compiled = Wish(submission, writer.Length, null) }, writer, hash);
    }

    /// <summary>
    /// The span comes before the name: when this answers, both are durable; when the gateway dies in between, the span names bytes that nobody was told of, and the next upload says
    /// it again; under the same key it is a replay, and what that says is true of bytes that are there.
    /// </summary>
    private async Task KeepAsync(HttpContext http, Submission submission, ArtifactWriter writer, ArtifactHash hash)
    {
        var answer = await submitter.SubmitAsync(submission, http.RequestAborted);
        if (answer.Refused is { } refused)
        {
            await RefuseAsync(http, refused);
            return;
        }
        answer.RateLimit?.WriteTo(http.Response.Headers);
        if (answer.Replayed)
        {
            http.Response.Headers["Idempotency-Replayed"] = "true";
        }
        writer.Publish();
        await AnswerAsync(http, hash, writer.Length, isNew: true);
    }

    private static Task AnswerAsync(HttpContext http, ArtifactHash hash, long bytes, bool isNew)
    {
        http.Response.StatusCode = isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        http.Response.Headers.Location = $"/v1/artifacts/{hash}";
        return http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("hash", hash.ToString());
            json.WriteNumber("bytes", bytes);
            json.WriteBoolean("changed", isNew);
            json.WriteEndObject();
        });
    }

    /// <summary>The span that an upload stands for; before the bytes have come it does not say how many there are.</summary>
    private static CompiledBody Wish(Submission submission, long? bytes, Rejection? failure) => new(CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("intent", "artifact.put");
        json.WriteString("subject", Identifiers.ArtifactSubject(submission.Tenant));
        json.WriteStartObject("payload");
        json.WriteString("hash", submission.BytesHash);
        if (bytes is { } length)
        {
            json.WriteNumber("bytes", length);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }).Root, failure, IsRoute: true);

    /// <summary>Answers with a refusal of an upload. The rest of the body stays unread, so the connection ends with it.</summary>
    private Task RefuseAsync(HttpContext http, Rejection rejection, Submission? record = null)
    {
        if (record is not null)
        {
            refusals.Record(record, rejection);
        }
        http.Response.Headers.Connection = "close";
        return http.RefuseAsync(rejection);
    }

    private static readonly Rejection NoName = new(RefusalCode.SchemaInvalid, "The name of an artifact is blake3:<64 lower-case hex characters>.")
    {
        Errors = [new FieldError("/payload/hash", "pattern", "must be blake3: and 64 lower-case hex characters, the hash of the bytes")],
    };

    private static Rejection Rejected(ArtifactException failure) => failure.Failure switch
    {
        ArtifactFailure.TooLarge => TooLarge(failure.Message),
        ArtifactFailure.TenantFull => new Rejection(RefusalCode.PolicyDenied, failure.Message) { Details = new Dictionary<string, object?> { ["rule"] = "artifacts.tenant_bytes" } },
        _ => new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 60, Details = new Dictionary<string, object?> { ["reason"] = "disk_full" } },
    };

    private static Rejection TooLarge(string detail) => new(RefusalCode.TooLarge, detail);
}
