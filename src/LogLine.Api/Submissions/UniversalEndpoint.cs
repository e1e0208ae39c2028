using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Gate.Checks;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Telemetry;
using LogLine.Protocol.Json;
using LogLine.Protocol.Tdln;

namespace LogLine.Api.Submissions;

/// <summary>
/// <c>POST /v1/universal</c>: a sentence, a partial span, or both (contract, section 5). The text is compiled by a grammar, never by a model; what comes
/// out goes through the same gate as a span. <c>dry_run</c>, which is the default, shows what would be sent and writes nothing.
/// </summary>
internal static class UniversalEndpoint
{
    private const string Paragraph = "/paragraph";
    private const string Span = "/span";
    private static readonly string[] Members = ["paragraph", "span", "intent_hint", "dry_run", "ctx"];

    public static void MapUniversal(this IEndpointRouteBuilder routes) => routes.MapPost("/v1/universal", CompileAsync).Documented(SubmissionDocs.Compile);

    private static async Task CompileAsync(HttpContext http, RequestReader requests, Submitter submitter, TdlnGate gate, Catalogue catalogue, SpanLedger ledger, ReplyAdvice advice)
    {
        var (submission, refused) = await requests.ReadAsync(http, http.TraceId());
        if (submission is null)
        {
            await http.RefuseAsync(refused!);
            return;
        }
        var (compiled, question) = await CompileBodyAsync(submission, catalogue.Grammar, ledger);
        submission = submission with { Compiled = compiled };
        if (submission.Body.Root.Flag("dry_run") ?? true)
        {
            var judged = question is null ? await gate.DryRunAsync(submission, http.RequestAborted) : default;
            if (judged.Refused is not null)
            {
                judged.Refused = await advice.ImproveAsync(judged.Refused, submission.Body.Root.Text("paragraph"), http.RequestAborted);
            }
            await http.WriteAsync(json => WriteDryRun(json, submission, question, judged));
            return;
        }
        var answer = await submitter.SubmitAsync(submission, http.RequestAborted);
        await (answer.Refused is { } decided
            ? http.RefuseAsync(await advice.ImproveAsync(decided, submission.Body.Root.Text("paragraph"), http.RequestAborted))
            : http.AnswerAsync(answer with { Body = WithCompiled(answer.Body, compiled.Span) }));
    }

    /// <summary>What the body stands for. A text without meaning is a failure that the gate answers in the place of row 11.</summary>
    private static async ValueTask<(CompiledBody Compiled, TdlnResult.Question? Question)> CompileBodyAsync(Submission submission, TdlnGrammar grammar, SpanLedger ledger)
    {
        var body = submission.Body.Root;
        if (Malformed(body) is { } malformed)
        {
            return (new CompiledBody(Nothing, malformed), null);
        }
        if (submission.Body.Obstacles.Count > 0 || body.Text("paragraph") is not { } paragraph)
        {
            return (new CompiledBody(body.Member("span") is { ValueKind: JsonValueKind.Object } span ? span : Nothing) { Altered = AlteredInSpan(submission.Body) }, null);
        }
        // The grammar does not wait: the run that it asks for is looked up, and the text is compiled again with what was found.
        string? asked = null;
        var context = new TdlnContext(submission.Tenant)
        {
            IntentHint = body.Text("intent_hint"),
            Span = body.Member("span"),
            Altered = AlteredInSpan(submission.Body),
            Given = submission.Body.Altered.Contains(Paragraph) ? GivenParagraph(submission.Body) : null,
            Country = body.Member("ctx").Text("country"),
            SubjectOfRun = runId =>
            {
                asked = runId;
                return null;
            },
        };
        var result = grammar.Compile(paragraph, context);
        var run = asked is null ? null : await ledger.Store.FindRunAsync(asked);
        if (run?.Tenant == submission.Tenant)
        {
            result = grammar.Compile(paragraph, context with { SubjectOfRun = runId => runId == run.RunId ? run.Subject : null });
        }
        return result switch
        {
            // Asking for the subject of a run that is not there would lead nowhere.
            TdlnResult.Compiled { Faults.Count: 0 } compiled when asked is not null && run?.Tenant != submission.Tenant => (new CompiledBody(compiled.Span.Root, ExistenceCheck.NoRun(asked)), null),
            TdlnResult.Compiled { Faults.Count: 0 } compiled => (new CompiledBody(compiled.Span.Root) { Altered = compiled.Altered }, null),
            TdlnResult.Compiled compiled => (new CompiledBody(compiled.Span.Root, Invalid([.. compiled.Faults.Select(fault => new FieldError(fault.Path, fault.Keyword, fault.Message))], null)), null),
            TdlnResult.Question question => (new CompiledBody(Nothing, Asks(question)), question),
            TdlnResult.NotUnderstood meaningless => (new CompiledBody(Nothing, Invalid([new FieldError(Paragraph, Word(meaningless.Reason), meaningless.Message)], meaningless.SuggestedReply)), null),
            var other => throw new InvalidOperationException($"The grammar answered with a {other.GetType().Name}."),
        };
    }

    private static List<string> AlteredInSpan(CanonicalJson body) => [.. body.Altered.Where(path => path.StartsWith(Span + "/", StringComparison.Ordinal)).Select(path => path[Span.Length..])];

    private static string GivenParagraph(CanonicalJson body)
    {
        using var given = JsonDocument.Parse(body.Given, new JsonDocumentOptions { MaxDepth = JsonLimits.Depth });
        return given.RootElement.Text("paragraph")!;
    }

    private static Rejection? Malformed(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return Invalid([new FieldError("", "type", "the body is a JSON object with paragraph, span, or both")], null);
        }
        var errors = new List<FieldError>();
        foreach (var member in body.EnumerateObject())
        {
            var accepted = member.Name switch
            {
                "paragraph" or "intent_hint" when member.Value.ValueKind != JsonValueKind.String => "must be a string",
                "span" or "ctx" when member.Value.ValueKind != JsonValueKind.Object => "must be an object",
                "dry_run" when member.Value.ValueKind is not (JsonValueKind.True or JsonValueKind.False) => "must be true or false",
                _ when !Members.Contains(member.Name) => $"is not known; there are {string.Join(", ", Members)}",
                _ => null,
            };
            if (accepted is not null)
            {
                errors.Add(new FieldError("/" + member.Name, "universal", $"{member.Name} {accepted}"));
            }
        }
        if (errors.Count > 0)
        {
            return Invalid(errors, null);
        }
        return body.Member("paragraph").ValueKind != JsonValueKind.Undefined || body.Member("span").ValueKind != JsonValueKind.Undefined
            ? null
            : new Rejection(RefusalCode.TdlnInvalid, "There is nothing to compile.") { Missing = [new MissingField("paragraph", "a sentence that says what is wanted, or 'span' with a partial span")] };
    }

    /// <summary>A question is not an act: nothing would become durable, so it is no 2xx without <c>dry_run</c>.</summary>
    private static Rejection Asks(TdlnResult.Question question) => Invalid(
        [new FieldError("/paragraph", "query", $"this is a question; ask it with {question.Method} {question.Path}")], $"{question.Method} {question.Path}");

    private static Rejection Invalid(IReadOnlyList<FieldError> errors, string? reply) => new(RefusalCode.SchemaInvalid, errors[0].Message) { Errors = errors, SuggestedReply = reply };

    private static string Word(TdlnRefusal reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());

    private static void WriteDryRun(Utf8JsonWriter json, Submission submission, TdlnResult.Question? question, (JsonElement Span, Rejection? Refused) judged)
    {
        json.WriteStartObject();
        if (question is not null)
        {
            json.WriteString("status", "ok");
            json.WriteString("trace_id", submission.TraceId);
            json.WriteNull("compiled_span");
            WriteQuestion(json, question);
        }
        else
        {
            if (judged.Refused is null)
            {
                json.WriteString("status", "ok");
                json.WriteString("trace_id", submission.TraceId);
            }
            else
            {
                RefusalAnswers.WriteMembers(json, judged.Refused, submission.TraceId);
            }
            WriteSpan(json, submission.Body.Obstacles.Count == 0 ? judged.Span : Nothing); // what has no canonical form has no hash
        }
        json.WriteEndObject();
    }

    private static void WriteQuestion(Utf8JsonWriter json, TdlnResult.Question question)
    {
        json.WriteStartObject("query");
        json.WriteString("method", question.Method);
        json.WriteString("path", question.Path);
        if (question.Body is not null)
        {
            json.WritePropertyName("body");
            question.Body.Root.WriteTo(json);
        }
        json.WriteEndObject();
    }

    private static void WriteSpan(Utf8JsonWriter json, JsonElement span)
    {
        json.WritePropertyName("compiled_span");
        span.WriteTo(json);
        json.WriteString("compiled_hash", CompiledHash.Of(span));
    }

    private static byte[] WithCompiled(byte[] ack, JsonElement span)
    {
        using var parsed = JsonDocument.Parse(ack);
        using var buffer = new MemoryStream(ack.Length + 512);
        using (var json = new Utf8JsonWriter(buffer, AnswerJson.Options))
        {
            json.WriteStartObject();
            foreach (var member in parsed.RootElement.EnumerateObject())
            {
                member.WriteTo(json);
            }
            WriteSpan(json, span);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static readonly JsonElement Nothing = CanonicalJson.Parse("{}").Root;
}
