using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Runs;
using LogLine.Api.Submissions;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Delivery.State;

/// <summary><c>GET /v1/state/view?subject=</c>: what the spans of a subject add up to (contract, sections 8 and 9).</summary>
internal static class StateEndpoint
{
    private const int MaxSubjectBytes = 512;

    public static void MapStateView(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/state/view", ViewAsync).RequireReader().Documented(StateDocs.View);

    private static async Task ViewAsync(HttpContext http, StateViews views, SpanLedger ledger, string? subject)
    {
        if (subject is null || !subject.StartsWith("urn:", StringComparison.Ordinal) || System.Text.Encoding.UTF8.GetByteCount(subject) > MaxSubjectBytes)
        {
            const string message = "must be a subject, urn:<kind>:<rest>, of at most 512 bytes";
            await http.RefuseAsync(new Rejection(RefusalCode.SchemaInvalid, message) { Errors = [new FieldError("/subject", "query", message)] });
            return;
        }
        var tenant = http.Principal().Tenant;
        var serving = await ServingAsync(ledger, tenant, subject);
        await views.UseAsync(tenant, subject, async state =>
        {
            if (state.Spans == 0 && state.Complete && serving.Count == 0)
            {
                await http.NotFoundAsync($"span about '{(subject.Length <= 96 ? subject : subject[..93] + "…")}'");
                return;
            }
            var manifest = MiniContainerRef.TryParse(state.Ref, out var reference) && reference.Tenant == tenant
                ? await ledger.Store.FindManifestAsync(reference.Tenant, reference.Name, reference.Hash)
                : null;
            await http.WriteAsync(json => Write(json, subject, state, manifest, serving));
        });
    }

    private static void Write(Utf8JsonWriter json, string subject, SubjectState state, byte[]? manifest, IReadOnlyList<RunRow> serving)
    {
        json.WriteStartObject();
        json.WriteString("subject", subject);
        json.WriteNumber("as_of", state.Next);
        json.WriteBoolean("complete", state.Complete);
        state.WriteTo(json);
        if (manifest is not null)
        {
            json.WritePropertyName("manifest");
            ManifestSummary.Write(json, CanonicalJson.Parse(manifest).Root);
        }
        if (serving.Count > 0)
        {
            json.WriteStartArray("serving");
            foreach (var run in serving)
            {
                json.WriteStartObject();
                json.WriteString("run_id", run.RunId);
                json.WriteString("state", RunStates.Name(run.State));
                json.WriteString("subject", run.Subject);
                json.WriteString("ref", run.Ref);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>The deploys that a container belongs to now: their spans are about the MiniContainer, not about the container.</summary>
    private static async ValueTask<IReadOnlyList<RunRow>> ServingAsync(SpanLedger ledger, string tenant, string subject) =>
        Identifiers.TryParseSubject(subject, out var kind, out var owner, out var name) && kind == "container" && owner == tenant
            ? [.. (await ledger.Store.LiveRunsAsync(tenant, name)).Where(run => run.Ref is not null).OrderBy(run => run.RunId, StringComparer.Ordinal)]
            : [];
}
