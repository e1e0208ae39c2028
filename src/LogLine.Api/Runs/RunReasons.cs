using LogLine.Api.Artifacts;

namespace LogLine.Api.Runs;

/// <summary>Why a run ended badly, in one word for programs: <c>reason</c> of the run.</summary>
internal static class RunReasons
{
    /// <summary>The worker's own fault, not the engine's and not the client's.</summary>
    public const string Defect = "internal_error";

    /// <summary>What is said of it; the words of a defect are written for nobody but the operator.</summary>
    public const string DefectError = "The worker met a defect of its own, of which its log has the details.";

    public static string Of(AdapterFailure failure) => failure switch
    {
        AdapterFailure.Unavailable => "adapter_unavailable",
        AdapterFailure.ImageNotFound => "image_not_found",
        AdapterFailure.NameTaken => "name_taken",
        AdapterFailure.PortTaken => "port_taken",
        AdapterFailure.NotFound => "not_found",
        AdapterFailure.Conflict => "lifecycle_conflict",
        AdapterFailure.Denied => "policy_denied",
        _ => "refused_by_engine",
    };

    public static string Of(ArtifactFailure failure) => failure switch
    {
        ArtifactFailure.TooLarge => "too_large",
        ArtifactFailure.TenantFull => "artifacts_full",
        ArtifactFailure.DiskFull => "disk_full",
        _ => "malformed_archive",
    };
}
