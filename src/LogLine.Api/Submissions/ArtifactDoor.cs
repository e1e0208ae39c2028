using LogLine.Api.Artifacts;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Gate.Checks;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;
using LogLine.Api.Telemetry;
using LogLine.Api.Tenants;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace LogLine.Api.Submissions;

/// <summary>What the artifact routes do: who may, which name, and then the bytes.</summary>
internal sealed class ArtifactDoor(RequestReader requests, RefusalLog refusals, ArtifactDesk desk, TenantRules rules, TimeProvider time)
{
    private const string PutIntent = "artifact.put";
    private const string RemoveIntent = "artifact.remove";
    private const int LeastBytesPerSecond = 16 * 1024;

    /// <summary>201 <c>{hash, bytes, changed: true}</c>, or 200 with <c>changed: false</c> for what is there already.</summary>
    public async Task PutAsync(HttpContext http, string name, UploadSeats uploads)
    {
        if (http.Request.ContentLength > desk.Store.Options.MaxBytes)
        {
            http.Response.Headers.Connection = "close";
            await http.RefuseAsync(TooLarge($"An artifact has at most {desk.Store.Options.MaxBytes:N0} bytes (LogLine:Artifacts:MaxBytes)."));
            return;
        }
        if (await AdmitAsync(http, name, PutIntent) is not var (principal, hash))
        {
            return;
        }
        using var seat = uploads.Take(principal.Tenant);
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
            await TakeAsync(http, principal, hash, late.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.Busy, $"The upload did not end within {desk.Store.Options.UploadLimit.TotalSeconds:N0} s (LogLine:Artifacts:UploadSeconds); nothing was kept.")
            {
                RetryAfterSeconds = 1, Details = new Dictionary<string, object?> { ["reason"] = "too_slow" },
            }, principal, name);
        }
        catch (ArtifactException failure)
        {
            await RefuseAsync(http, Rejected(failure), principal, name);
        }
        catch (LedgerUnavailableException failure)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 1 });
        }
    }

    /// <summary>204; the bytes are gone, what the ledger says of them stays.</summary>
    public async Task RemoveAsync(HttpContext http, string name)
    {
        if (await AdmitAsync(http, name, RemoveIntent) is not var (principal, hash))
        {
            return;
        }
        try
        {
            if (!await desk.RemoveAsync(hash, Actor(principal), http.RequestAborted))
            {
                await http.RefuseAsync(new Rejection(RefusalCode.NotFound, $"This tenant has no artifact '{hash}'."));
                return;
            }
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (LedgerUnavailableException failure)
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 1 });
        }
    }

    private async Task TakeAsync(HttpContext http, TenantPrincipal principal, ArtifactHash hash, CancellationToken late)
    {
        await using var writer = desk.Store.Create(principal.Tenant);
        var body = http.Request.BodyReader;
        using (late.Register(body.CancelPendingRead)) // not the read itself is given up: the connection is still to be answered on
        {
            await body.CopyToAsync(writer, http.RequestAborted);
        }
        var found = writer.Seal();
        if (found != hash)
        {
            await RefuseAsync(http, new Rejection(RefusalCode.PayloadHashMismatch, $"The bytes have the hash {found}, not {hash}; nothing was kept.")
            {
                Details = new Dictionary<string, object?> { ["expected"] = hash.ToString(), ["found"] = found.ToString(), ["bytes"] = writer.Length },
            }, principal, hash.ToString());
            return;
        }
        // The bytes may have come for hours: what was revoked meanwhile keeps nothing.
        if (await requests.AuthenticateAsync(http, fresh: true) is (_, { } revoked))
        {
            await RefuseAsync(http, revoked);
            return;
        }
        var (artifact, isNew) = await desk.KeepAsync(writer, hash, Actor(principal), http.RequestAborted);
        http.Response.StatusCode = isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        http.Response.Headers.Location = $"/v1/artifacts/{hash}";
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("hash", hash.ToString());
            json.WriteNumber("bytes", artifact.Bytes);
            json.WriteBoolean("changed", isNew);
            json.WriteEndObject();
        });
    }

    /// <summary>Token, scope, quota, policy and name; null when one of them is refused, and answered.</summary>
    private async Task<(TenantPrincipal, ArtifactHash)?> AdmitAsync(HttpContext http, string name, string intent)
    {
        var (principal, refused) = await requests.AuthenticateAsync(http);
        if (refused is null && !principal!.MaySend(intent))
        {
            refused = new Rejection(RefusalCode.Forbidden, $"The token's scopes do not hold '{intent}'. It has: {string.Join(", ", principal.Scopes)}.")
            {
                Details = new Dictionary<string, object?> { ["required_permission"] = intent, ["reason"] = "scope" },
            };
        }
        refused ??= await RuleAsync(principal!.Tenant, intent);
        if (refused is null && ArtifactHash.TryParse(name, out var hash))
        {
            return (principal!, hash);
        }
        refused ??= new Rejection(RefusalCode.SchemaInvalid, "The name of an artifact is blake3:<64 lower-case hex characters>.")
        {
            Errors = [new FieldError("/hash", "pattern", "must be blake3: and 64 lower-case hex characters, the hash of the bytes")],
        };
        await RefuseAsync(http, refused, principal, name);
        return null;
    }

    /// <summary>Rows 5 and 14: what the tenant has set for itself holds at this door too.</summary>
    private async ValueTask<Rejection?> RuleAsync(string tenant, string intent) =>
        await rules.TakeTokenAsync(tenant, intent) is (false, var state) ? RateCheck.Limited(tenant, intent, state) : PolicyCheck.NotAllowed(intent, await rules.PolicyOfAsync(tenant));

    /// <summary>Answers with a refusal. The rest of the body stays unread, so the connection ends with it.</summary>
    private Task RefuseAsync(HttpContext http, Rejection rejection, TenantPrincipal? principal = null, string name = "")
    {
        if (principal is not null)
        {
            refusals.Record(principal, System.Text.Encoding.UTF8.GetBytes(name), rejection);
        }
        if (HttpMethods.IsPut(http.Request.Method))
        {
            http.Response.Headers.Connection = "close";
        }
        return http.RefuseAsync(rejection);
    }

    private static ArtifactActor Actor(TenantPrincipal principal) => new(principal.Tenant, principal.Env, principal.TokenId);

    private static Rejection Rejected(ArtifactException failure) => failure.Failure switch
    {
        ArtifactFailure.TooLarge => TooLarge(failure.Message),
        ArtifactFailure.TenantFull => new Rejection(RefusalCode.PolicyDenied, failure.Message) { Details = new Dictionary<string, object?> { ["rule"] = "artifacts.tenant_bytes" } },
        _ => new Rejection(RefusalCode.Busy, failure.Message) { RetryAfterSeconds = 60, Details = new Dictionary<string, object?> { ["reason"] = "disk_full" } },
    };

    private static Rejection TooLarge(string detail) => new(RefusalCode.TooLarge, detail);
}
