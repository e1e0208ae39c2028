using System.Text.Json;
using LogLine.Api.Telemetry;

namespace LogLine.Api.Errors;

/// <summary>What every route ends with: an answer, or a refusal.</summary>
internal static class HttpAnswers
{
    /// <summary>Answers with a refusal.</summary>
    public static Task RefuseAsync(this HttpContext http, Rejection rejection) => RefusalAnswers.WriteAsync(http, rejection, http.TraceId());

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
