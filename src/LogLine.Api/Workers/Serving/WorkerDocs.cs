using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Workers.Serving;

/// <summary>Words for the worker protocol (docs/workers.md).</summary>
internal static class WorkerDocs
{
    private const string Who = "Needs scope `runner`. ";
    private static readonly ParameterDoc Run = new("Id of the run.", "run_0123456789abcdef");
    private static readonly ParameterDoc Hash = new("Hash of the artifact.", "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");

    private static readonly Dictionary<string, ParameterDoc> Caller = new()
    {
        [WorkerWire.Header] = new("Which process of which worker asks: `<kid>/<instance>`.", "worker_d75a980182b10ab7/5f1d0b4c9e8a4d6f8b2a7c3e1d0f9a8b", Required: true),
    };

    public static readonly RouteDoc Register = new("registerWorker", RouteTags.Workers, "A worker comes", Who + "New keys are a span, `worker.registered`. With `fresh` the leases of earlier processes of this worker are free.")
    {
        Body = MediaDoc.Json("worker-announcement"),
        Answers = [new(200, "It is registered.", MediaDoc.Json("worker-welcome"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.MalformedJson, RefusalCode.SignatureInvalid, RefusalCode.SchemaInvalid, RefusalCode.NotFound],
    };

    public static readonly RouteDoc Lease = new("leaseRuns", RouteTags.Workers, "Ask for work", Who + "A long poll: the answer comes as soon as there is something, or when `wait_s` is over.")
    {
        Headers = Caller,
        Body = MediaDoc.Json("lease-request"),
        Answers = [new(200, "What there is.", MediaDoc.Json("lease-answer"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.MalformedJson, RefusalCode.SchemaInvalid, RefusalCode.NotFound],
    };

    public static readonly RouteDoc Renew = new("renewLeases", RouteTags.Workers, "Hold on to runs", Who + "At a third of `lease_seconds`.")
    {
        Headers = Caller,
        Body = MediaDoc.Json("lease-renewal"),
        Answers = [new(200, "Those that are still held.", MediaDoc.Json("lease-renewed"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.MalformedJson, RefusalCode.SchemaInvalid, RefusalCode.NotFound],
    };

    public static readonly RouteDoc Order = new("getWorkOrder", RouteTags.Workers, "What a run is judged by, now", Who + "With a new permit.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = Run },
        Answers = [new(200, "The order.", MediaDoc.Json("work-order"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Report = new(
        "reportRun", RouteTags.Workers, "Say what a run has come to",
        Who + "Everything in it is appended in one transaction with the run's row, or nothing is: only while the worker holds the lease (`details.reason` of a conflict: `lease_lost`, `no_such_step`). Said again it is the same.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = Run },
        Body = MediaDoc.Json("worker-report"),
        Answers = [new(200, "It is on the ledger; the order behind it.", MediaDoc.Json("work-order"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.MalformedJson, RefusalCode.SchemaInvalid, RefusalCode.NotFound, RefusalCode.LifecycleConflict, RefusalCode.Busy],
    };

    public static readonly RouteDoc Ended = new("hasGroupEnded", RouteTags.Workers, "Has a session or task ended?", Who + "Of the run's tenant.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = Run, ["kind"] = new("`session` or `task`.", "task"), ["name"] = new("Its name.", "t1") },
        Answers = [new(200, "Whether it has.", MediaDoc.Json("group-ended"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc ReadArtifact = new("readRunArtifact", RouteTags.Workers, "Read an artifact of the run's tenant", Who + "The worker verifies it by its hash.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = Run, ["hash"] = Hash },
        Answers = [new(200, "The bytes.", MediaDoc.Bytes)],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc KeepArtifact = new("keepRunArtifact", RouteTags.Workers, "Keep what a run brought", Who + "Only while the worker holds the lease.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["runId"] = Run, ["hash"] = Hash },
        Body = MediaDoc.Bytes,
        Answers = [new(200, "It is kept.", MediaDoc.Json("artifact-kept"))],
        Refusals = [RefusalCode.TooLarge, RefusalCode.PayloadHashMismatch, RefusalCode.PolicyDenied, RefusalCode.NotFound, RefusalCode.LifecycleConflict],
    };

    public static readonly RouteDoc Answer = new("answerQuestion", RouteTags.Workers, "Answer a question", Who + "A log that is followed is one line of JSON after the other, for as long as somebody reads it.")
    {
        Headers = Caller,
        Parameters = new Dictionary<string, ParameterDoc> { ["id"] = new("Id of the question.", "0123456789abcdef0123456789abcdef") },
        Body = MediaDoc.Json("worker-answer"),
        Answers = [new(204, "It is passed on.")],
        Refusals = [RefusalCode.NotFound],
    };
}
