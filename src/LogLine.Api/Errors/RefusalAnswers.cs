using System.Diagnostics.Metrics;
using System.Text.Json;

namespace LogLine.Api.Errors;

/// <summary>
/// The one place where refusals become HTTP: <c>need_more</c> and <c>invalid</c> bodies for what TDLN finds, problem details
/// (RFC 9457) for the rest (contract, section 5).
/// </summary>
public static class RefusalAnswers
{
    private static readonly Meter Meter = new("LogLine.Http");
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("logline.http.refusals", "{request}", "Requests that were refused as a whole, by code; refusals before the gate (401, 413, …) are here alone.");

    /// <summary>Answers a request with a refusal.</summary>
    public static Task WriteAsync(HttpContext http, Rejection rejection, string traceId)
    {
        var meaning = rejection.Code.Meaning();
        Refusals.Add(1, new KeyValuePair<string, object?>("code", meaning.Wire));
        http.Response.StatusCode = meaning.Status;
        http.Response.ContentType = IsDecision(rejection) ? "application/json" : "application/problem+json";
        if (rejection.RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString();
        }
        rejection.RateLimit?.WriteTo(http.Response.Headers);
        if (rejection.Code == RefusalCode.Unauthenticated)
        {
            http.Response.Headers.WWWAuthenticate = "ApiKey realm=\"logline\"";
        }
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, AnswerJson.Options))
        {
            Write(json, rejection, traceId);
        }
        http.Response.ContentLength = buffer.WrittenCount;
        return http.Response.Body.WriteAsync(buffer.WrittenMemory, http.RequestAborted).AsTask();
    }

    /// <summary>Writes a refusal as one item of an array's answer: decisions as they are, problems in an envelope.</summary>
    public static void WriteItem(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        json.WriteStartObject();
        WriteMembers(json, rejection, traceId);
        json.WriteEndObject();
    }

    /// <summary>Writes the members that stand for a refusal in an object of the caller's: as an item of an array, without its braces.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        if (IsDecision(rejection))
        {
            WriteDecision(json, rejection, traceId);
            return;
        }
        json.WriteString("status", "error");
        json.WritePropertyName("problem");
        Write(json, rejection, traceId);
    }

    /// <summary>True for what TDLN itself answers: something is missing, or wrong.</summary>
    private static bool IsDecision(Rejection rejection) => rejection.Code is RefusalCode.TdlnInvalid or RefusalCode.SchemaInvalid;

    private static void Write(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        json.WriteStartObject();
        if (IsDecision(rejection))
        {
            WriteDecision(json, rejection, traceId);
        }
        else
        {
            Problem(json, rejection, traceId);
        }
        json.WriteEndObject();
    }

    private static void WriteDecision(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        if (rejection.Missing.Count > 0)
        {
            NeedMore(json, rejection, traceId);
        }
        else
        {
            Invalid(json, rejection, traceId);
        }
    }

    private static void Problem(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        var meaning = rejection.Code.Meaning();
        json.WriteString("type", HelpPage(rejection.Code));
        json.WriteString("title", meaning.Title);
        json.WriteNumber("status", meaning.Status);
        json.WriteString("detail", rejection.Detail);
        json.WriteString("code", meaning.Wire);
        json.WriteString("trace_id", traceId);
        json.WriteBoolean("retryable", meaning.Retryable);
        json.WriteStartObject("details");
        foreach (var (name, value) in rejection.Details)
        {
            json.WritePropertyName(name);
            WriteValue(json, value);
        }
        json.WriteEndObject();
    }

    private static void NeedMore(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        json.WriteString("status", "need_more");
        json.WriteString("code", rejection.Code.Meaning().Wire);
        json.WriteString("trace_id", traceId);
        json.WriteStartArray("missing_fields");
        foreach (var missing in rejection.Missing)
        {
            json.WriteStringValue(missing.Field);
        }
        json.WriteEndArray();
        json.WriteStartObject("why");
        foreach (var missing in rejection.Missing)
        {
            json.WriteString(missing.Field, missing.Why);
        }
        json.WriteEndObject();
        if (rejection.Errors.Count > 0)
        {
            WriteErrors(json, rejection.Errors);
        }
        json.WriteString("suggested_reply", "To complete this request, please provide:\n" + string.Join('\n', rejection.Missing.Select(m => $"- {m.Field}: {m.Why}"))
            + (rejection.Errors.Count == 0 ? "" : "\nPlease also fix:\n" + string.Join('\n', rejection.Errors.Select(Line))));
        json.WritePropertyName("partial_span");
        json.WriteRawValue(rejection.PartialSpan.IsEmpty ? "{}"u8 : rejection.PartialSpan.Span, skipInputValidation: true);
    }

    private static void Invalid(Utf8JsonWriter json, Rejection rejection, string traceId)
    {
        json.WriteString("status", "invalid");
        json.WriteString("code", rejection.Code.Meaning().Wire);
        json.WriteString("trace_id", traceId);
        WriteErrors(json, rejection.Errors);
        json.WriteString("suggested_reply", rejection.SuggestedReply ?? "Please fix the following:\n" + string.Join('\n', rejection.Errors.Select(Line)));
    }

    private static string Line(FieldError error) => error.Path.Length == 0 ? $"- {error.Message}" : $"- {error.Path}: {error.Message}";

    private static void WriteErrors(Utf8JsonWriter json, IReadOnlyList<FieldError> errors)
    {
        json.WriteStartArray("errors");
        foreach (var error in errors)
        {
            json.WriteStartObject();
            json.WriteString("path", error.Path);
            json.WriteString("keyword", error.Keyword);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case string text: json.WriteStringValue(text); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case IEnumerable<string> list:
                json.WriteStartArray();
                foreach (var item in list)
                {
                    json.WriteStringValue(item);
                }
                json.WriteEndArray();
                break;
            default: json.WriteStringValue(value.ToString()); break;
        }
    }

    /// <summary>Relative URL of the page that explains a code; the gateway serves it.</summary>
    public static string HelpPage(RefusalCode code) => "/problems/" + code.Meaning().Wire;
}
