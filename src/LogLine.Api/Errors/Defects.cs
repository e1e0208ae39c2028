using LogLine.Api.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace LogLine.Api.Errors;

/// <summary>What no check foresaw: the client gets <c>500_INTERNAL</c> and a trace id, the log gets the exception.</summary>
internal static class Defects
{
    /// <summary>Answers for what is thrown; <paramref name="isAway"/> knows what will pass by itself.</summary>
    public static void UseProblemsForDefects(this WebApplication app, Func<Exception, bool> isAway) => app.Use(async (http, next) =>
    {
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: 404 or 405, ContentLength: null } && http.GetEndpoint() is not RouteEndpoint)
            {
                await RefusalAnswers.WriteAsync(http, new Rejection(RefusalCode.NotFound, NoRoute(http)), http.TraceId());
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; nobody reads an answer.
        }
        catch (Exception lost) when (lost is ConnectionResetException or ConnectionAbortedException)
        {
            http.Abort(); // in the middle of a request, or of its answer
        }
        catch (BadHttpRequestException defect)
        {
            await AnswerAsync(http, new Rejection(RefusalCode.MalformedHeader, defect.Message), http.TraceId());
        }
        catch (Exception defect) when (isAway(defect))
        {
            app.Logger.LogWarning("{Method} {Path} found the store away: {Reason}", http.Request.Method, http.Request.Path, defect.Message);
            await AnswerAsync(http, new Rejection(RefusalCode.Busy, "The ledger's store does not answer. Send the same request again shortly.") { RetryAfterSeconds = 1 }, http.TraceId());
        }
        catch (Exception defect)
        {
            var traceId = http.TraceId();
            app.Logger.LogError(defect, "A defect answered {Method} {Path} with 500 (trace {TraceId})", http.Request.Method, http.Request.Path, traceId);
            await AnswerAsync(http, new Rejection(RefusalCode.Internal, "The gateway has a defect. Nothing was committed; report the trace id."), traceId);
        }
    });

    // Of a path that there is with another method, routing says which.
    private static string NoRoute(HttpContext http) => http.Response.Headers.Allow.ToString() is { Length: > 0 } methods ? $"This route does not take {http.Request.Method}; it takes {methods}." : "There is no such route.";

    private static Task AnswerAsync(HttpContext http, Rejection rejection, string traceId)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }
        http.Response.Clear();
        return RefusalAnswers.WriteAsync(http, rejection, traceId);
    }
}
