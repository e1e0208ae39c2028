using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Telemetry;
using LogLine.Protocol.Json;

namespace LogLine.Api.Submissions;

/// <summary>An act with a route of its own: what its span is, and what its answer is.</summary>
/// <param name="Intent">Its intent.</param>
/// <param name="Subject">The subject, from body and tenant.</param>
/// <param name="IdField">The member of the payload that names what it is about; a body cannot set it.</param>
/// <param name="Id">Its value.</param>
/// <param name="Status">HTTP status when it succeeds; 204 has no body.</param>
internal sealed record RouteAct(string Intent, Func<JsonElement, string, string> Subject, string IdField, string Id, int Status)
{
    /// <summary>Whether there must be a body.</summary>
    public bool BodyRequired { get; init; }

    /// <summary>Writes the members of the answer; the Ack is beside it.</summary>
    public Action<Utf8JsonWriter, SubmissionAnswer, JsonElement>? Answer { get; init; }

    /// <summary>What is done for the tenant once the span is durable; not on a replay.</summary>
    public Action<string>? Done { get; init; }
}

/// <summary>Acts with routes of their own: each is compiled to a span and goes through the gate like any other; only the answer differs.</summary>
internal static class RouteActs
{
    /// <summary>Carries an act out, and answers.</summary>
    public static async Task ActAsync(this HttpContext http, RouteAct act)
    {
        var (submission, refused) = await http.RequestServices.GetRequiredService<RequestReader>().ReadAsync(http, http.TraceId(), act.BodyRequired);
        if (submission is null)
        {
            await http.RefuseAsync(refused!);
            return;
        }
        var answer = await http.RequestServices.GetRequiredService<Submitter>().SubmitAsync(
            submission with { Compiled = Compile(submission, act) }, http.RequestAborted);
        if (answer.Refused is not null)
        {
            await http.RefuseAsync(answer.Refused);
            return;
        }
        if (!answer.Replayed)
        {
            act.Done?.Invoke(submission.Tenant);
        }
        http.Response.StatusCode = act.Status;
        if (act.Answer is { } write)
        {
            using var ack = JsonDocument.Parse(answer.Body);
            await http.WriteAsync(json =>
            {
                json.WriteStartObject();
                write(json, answer, ack.RootElement);
                json.WriteString("span", ack.RootElement.Text("this"));
                json.WriteEndObject();
            });
        }
    }

    /// <summary>
    /// The span that the request stands for: its body, with the id, as payload. A body without canonical form is left out, since the gate refuses it before it is
    /// looked at; one that has no room for what is put around it is refused in the place of row 11.
    /// </summary>
    private static CompiledBody Compile(Submission submission, RouteAct act)
    {
        var (whole, body) = (submission.Body.Root, submission.Body.Obstacles.Count == 0 ? submission.Body.Root : default);
        if (CanonicalJson.TryRead(JsonBytes.Write(json => Write(json, act, act.Subject(whole, submission.Tenant), body)), out var span, out var fault))
        {
            return new CompiledBody(span.Root, IsRoute: true);
        }
        var refused = new Rejection(RefusalCode.SchemaInvalid, fault.Message) { Errors = [new FieldError("", "limit", fault.Message)] };
        return new CompiledBody(CanonicalJson.Compose(json => Write(json, act, act.Subject(default, submission.Tenant), default)).Root, refused, IsRoute: true);
    }

    private static void Write(Utf8JsonWriter json, RouteAct act, string subject, JsonElement body)
    {
        json.WriteStartObject();
        json.WriteString("intent", act.Intent);
        json.WriteString("subject", subject);
        json.WriteStartObject("payload");
        if (body.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in body.EnumerateObject().Where(member => !member.NameEquals(act.IdField)))
            {
                member.WriteTo(json);
            }
        }
        json.WriteString(act.IdField, act.Id);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
