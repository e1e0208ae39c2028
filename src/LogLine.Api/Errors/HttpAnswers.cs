using System.Text.Json;
using LogLine.Api.Telemetry;

namespace LogLine.Api.Errors;

/// <summary>How every route answers: a refusal, or JSON.</summary>
internal static class HttpAnswers
{
    /// <summary>Answers with a refusal.</summary>
    public static Task RefuseAsync(this HttpContext http, Rejection rejection) => RefusalAnswers.WriteAsync(http, rejection, http.TraceId());

    /// <summary>404 for something that this tenant does not have.</summary>
    public static Task NotFoundAsync(this HttpContext http, string what) => http.RefuseAsync(new Rejection(RefusalCode.NotFound, $"This tenant has no {what}."));

    /// <summary>Answers with JSON.</summary>
    public static Task WriteAsync(this HttpContext http, Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, AnswerJson.Options))
        {
            write(json);
        }
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = buffer.WrittenCount;
        return http.Response.Body.WriteAsync(buffer.WrittenMemory, http.RequestAborted).AsTask();
    }
}
