using LogLine.Api.Errors;
using LogLine.Api.OpenApi;
using LogLine.Api.Telemetry;

namespace LogLine.Api.Submissions;

/// <summary><c>POST /v1/spans</c>: the one door through which everything is wanted.</summary>
public static class SpansEndpoint
{
    /// <summary>Maps the route.</summary>
    public static void MapSubmissions(this IEndpointRouteBuilder routes) => routes.MapPost("/v1/spans", SubmitAsync).Documented(SubmissionDocs.Submit);

    private static async Task SubmitAsync(HttpContext http, RequestReader requests, Submitter submitter)
    {
        var traceId = http.TraceId();
        var (submission, refused) = await requests.ReadAsync(http, traceId);
        if (submission is null)
        {
            await RefusalAnswers.WriteAsync(http, refused!, traceId);
            return;
        }
        var answer = await submitter.SubmitAsync(submission, http.RequestAborted);
        if (answer.Refused is not null)
        {
            await RefusalAnswers.WriteAsync(http, answer.Refused, traceId);
            return;
        }
        await http.AnswerAsync(answer);
    }

    /// <summary>Answers with the Acks of a submission.</summary>
    internal static Task AnswerAsync(this HttpContext http, SubmissionAnswer answer)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = answer.Body.Length;
        answer.RateLimit?.WriteTo(http.Response.Headers);
        if (answer.Replayed)
        {
            http.Response.Headers["Idempotency-Replayed"] = "true";
        }
        return http.Response.Body.WriteAsync(answer.Body, http.RequestAborted).AsTask();
    }
}
