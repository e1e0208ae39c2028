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
            submission with { Compiled = new CompiledBody(Compile(submission, act), IsRoute: true) }, http.RequestAborted);
        if (answer.Refused is not null)
        {
            await http.RefuseAsync(answer.Refused);
            return;
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

    /// <summary>The span that the request stands for: its body, with the id, as payload.</summary>
    private static JsonElement Compile(Submission submission, RouteAct act) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("intent", act.Intent);
        json.WriteString("subject", act.Subject(submission.Body.Root, submission.Tenant));
        json.WriteStartObject("payload");
        if (submission.Body.Root.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in submission.Body.Root.EnumerateObject().Where(member => !member.NameEquals(act.IdField)))
            {
                member.WriteTo(json);
            }
        }
        json.WriteString(act.IdField, act.Id);
        json.WriteEndObject();
        json.WriteEndObject();
    }).Root;
}
