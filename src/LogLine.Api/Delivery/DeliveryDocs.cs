using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery;

/// <summary>Words for spans, runs and the stream (docs/adding-a-route.md).</summary>
internal static class DeliveryDocs
{
    private static readonly ParameterDoc Name = new("Name of the span, `urn:span:<uuid>`.", "urn:span:650e8400-e29b-41d4-a716-446655440010");
    private static readonly ParameterDoc Subject = new("Only this subject.", "urn:minicontainer:vv/web");

    public static readonly RouteDoc Span = new("getSpan", RouteTags.Spans, "Read a span", "As it was stored: canonical bytes, signature included.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["name"] = Name },
        Answers = [new(200, "The span.", MediaDoc.Json("span"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Receipt = new("getReceipt", RouteTags.Spans, "Read a span's receipt", "It verifies offline. Whoever prefers `text/plain` (`Accept`) gets a C2SP tlog-proof.")
    {
        Parameters = new Dictionary<string, ParameterDoc>
        {
            ["name"] = Name,
            ["witnessed"] = new("In the newest checkpoint that witnesses have cosigned, with their cosignatures.", "true", """{"type":"boolean","default":false}"""),
        },
        Answers = [new(200, "The receipt.", MediaDoc.Json("receipt"), MediaDoc.Text("c2sp.org/tlog-proof@v1\nextra …\nindex 0\n…\n\nlogline/1f3c5d7e9a0b2c4d\n1\n…\n"))],
        Refusals = [RefusalCode.SchemaInvalid, RefusalCode.NotFound, RefusalCode.Busy],
    };

    public static readonly RouteDoc Query = new("querySpans", RouteTags.Spans, "Find spans", "A read: no nonce. `cursor` of the answer goes into `after`; null says that there is nothing further now.")
    {
        Body = MediaDoc.Json("span-query"),
        Answers = [new(200, "A page, ascending.", MediaDoc.Json("span-page"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.MalformedJson, RefusalCode.SchemaInvalid],
    };

    public static readonly RouteDoc Stream = new(
        "streamSpans", RouteTags.Stream, "Follow the ledger",
        "Server-sent events: `id: <seq>`, `event: span`, `data: <span>`. `Last-Event-ID`, or `after`, resumes exactly after that `seq`; `after=0` is from the beginning, none at all is live only. "
        + "First comes `retry:`, then a comment with where it began; a comment keeps the connection alive every 15 s. Connections end after a while, so that replicas share them: come back with the last id. "
        + "The same over a WebSocket, one message an event, when the request upgrades to one.")
    {
        Query = new Dictionary<string, ParameterDoc>
        {
            ["subject"] = Subject,
            ["run_id"] = new("Only the spans of this run.", "run_0123456789abcdef"),
            ["intent"] = new("Only this intent, or this prefix with `*`.", "run_state.*"),
            ["after"] = new("Resume after this `seq`.", "0", """{"type":"integer","minimum":0}"""),
        },
        Headers = new Dictionary<string, ParameterDoc> { ["Last-Event-ID"] = new("The last `seq` that was seen; goes before `after`.", "41", """{"type":"integer","minimum":0}""") },
        Answers = [new(200, "Events, until one side ends it.", MediaDoc.Text("retry: 2000\n: from 0\n\nid: 1\nevent: span\ndata: {\"intent\":\"registry.person.create\",…}\n\n", "text/event-stream"))],
        Refusals = [RefusalCode.Busy],
    };

    public static readonly RouteDoc MiniContainers = new("listMiniContainers", RouteTags.Spans, "List MiniContainers", "Those that were declared (`minicontainer.apply`), each with the ref that was applied last, by subject. `cursor` of the answer goes into `after`; null says that these were the last.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["limit"] = new("Most items.", "100", """{"type":"integer","minimum":1,"maximum":1000,"default":100}"""), ["after"] = new("Only those behind this subject.", "urn:minicontainer:vv/web") },
        Answers = [new(200, "A page.", MediaDoc.Json("minicontainer-page"))],
        Refusals = [RefusalCode.SchemaInvalid],
    };

    public static readonly RouteDoc Runs = new("listRuns", RouteTags.Runs, "List runs", "Newest first. `cursor` of the answer goes into `before`; null says that these were the oldest.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["subject"] = Subject, ["limit"] = new("Most items.", "100", """{"type":"integer","minimum":1,"maximum":1000,"default":100}"""), ["before"] = new("Only runs older than this one.", "run_0123456789abcdef") },
        Answers = [new(200, "The runs.", MediaDoc.Json("run-page"))],
        Refusals = [RefusalCode.SchemaInvalid],
    };

    public static readonly RouteDoc Run = new("getRun", RouteTags.Runs, "Read a run", "As it stands now.")
    {
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = new("Id of the run.", "run_0123456789abcdef") },
        Answers = [new(200, "The run.", MediaDoc.Json("run"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc RunLogs = new(
        "getRunLog", RouteTags.Runs, "Read what the container of a run says",
        "Read from its engine: the last lines; of a run of `container.exec` or `image.build`, what the command or the build says while it runs and afterwards. With `follow=true` server-sent events: `log` `{source, line}` while lines come, `dropped` `{lines}` when the reader was too slow for them, `end` when the container, or the command, has ended.")
    {
        Parameters = new Dictionary<string, ParameterDoc>
        {
            ["runId"] = new("Id of the run.", "run_0123456789abcdef"),
            ["tail"] = new("The last so many lines, of those that contain `grep` where it is given.", "100", """{"type":"integer","minimum":1,"maximum":10000,"default":100}"""),
            ["grep"] = new("Only lines that contain this text.", "error"),
            ["follow"] = new("Go on with what comes.", "true", """{"type":"boolean","default":false}"""),
        },
        Answers = [new(200, "Lines, and how many were left out.", MediaDoc.Json("run-log"), MediaDoc.Text("event: log\ndata: {\"source\":\"stdout\",\"line\":\"ready\"}\n\n", "text/event-stream"))],
        Refusals = [RefusalCode.NotFound, RefusalCode.SchemaInvalid, RefusalCode.AdapterUnavailable, RefusalCode.Busy],
    };
}
