using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery.State;

/// <summary>Words for the state view (docs/adding-a-route.md).</summary>
internal static class StateDocs
{
    public static readonly RouteDoc View = new(
        "viewState", RouteTags.Spans, "Read what the spans of a subject add up to",
        "A fold over the subject's spans in the order of the log, by the rules that their intents have in `x-logline.state`: the latest value of every field, lists by key, runs, what is deployed where. "
        + "Everything up to the seq `as_of` is in it. One request folds at most 10,000 spans: while `complete` is false there are more, and asking again goes on from there.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["subject"] = new("The subject.", "urn:minicontainer:dev/web", """{"type":"string","maxLength":512}""", Required: true) },
        Answers = [new(200, "The state.", MediaDoc.Json("state-view"))],
        Refusals = [RefusalCode.SchemaInvalid, RefusalCode.NotFound],
    };
}
