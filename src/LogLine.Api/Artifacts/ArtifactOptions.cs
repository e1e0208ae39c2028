namespace LogLine.Api.Artifacts;

/// <summary>Where artifacts are kept and how much of them, section <c>LogLine:Artifacts</c> of the configuration.</summary>
public sealed class ArtifactOptions
{
    /// <summary>The folder; by default <c>artifacts</c> in the data folder. Several gateways share one (docs/artifacts.md).</summary>
    public string? Path { get; set; }

    /// <summary>The largest artifact, in bytes. Default: 1 GiB.</summary>
    public long MaxBytes { get; set; } = 1L << 30;

    /// <summary>All artifacts of one tenant together, in bytes. Default: 10 GiB.</summary>
    public long TenantBytes { get; set; } = 10L << 30;

    /// <summary>What stays free on the disk, in bytes: the ledger needs room too. Default: 256 MiB.</summary>
    public long KeepFreeBytes { get; set; } = 256L << 20;

    /// <summary>Uploads at once; one more is <c>503_BUSY</c>. Default: 16.</summary>
    public int Uploads { get; set; } = 16;

    /// <summary>Seconds that one upload may take, however steadily it comes; then it gives its place up. Default: 3600.</summary>
    public int UploadSeconds { get; set; } = 3600;

    /// <summary>The same as a span of time, from a second to a day.</summary>
    public TimeSpan UploadLimit => TimeSpan.FromSeconds(Math.Clamp(UploadSeconds, 1, 86_400));
}
