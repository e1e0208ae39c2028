using System.Text.Encodings.Web;
using System.Text.Json;

namespace LogLine.Api.Errors;

/// <summary>How answers are written: as JSON for programs and people, not escaped for HTML pages that they are never part of.</summary>
internal static class AnswerJson
{
    /// <summary>No white space, nothing escaped that JSON does not ask for.</summary>
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
