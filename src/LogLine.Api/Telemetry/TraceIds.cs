using System.Diagnostics;

namespace LogLine.Api.Telemetry;

/// <summary>The id under which a request is found again in answers, logs and traces.</summary>
internal static class TraceIds
{
    /// <summary>The trace id of <c>traceparent</c> (W3C Trace Context), or a new one; the same for the whole request.</summary>
    public static string TraceId(this HttpContext http)
    {
        if (http.Features.Get<KnownTrace>() is { } known)
        {
            return known.Id;
        }
        var traceId = ActivityContext.TryParse(http.Request.Headers.TraceParent, null, out var context) ? context.TraceId.ToHexString()
            : Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString()
            : ActivityTraceId.CreateRandom().ToHexString();
        http.Features.Set(new KnownTrace(traceId));
        return traceId;
    }

    private sealed record KnownTrace(string Id);
}
