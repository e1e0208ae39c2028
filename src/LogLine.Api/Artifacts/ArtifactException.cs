namespace LogLine.Api.Artifacts;

/// <summary>Why bytes are not taken.</summary>
public enum ArtifactFailure
{
    /// <summary>More than <see cref="ArtifactOptions.MaxBytes"/>.</summary>
    TooLarge,
    /// <summary>The tenant's share is used up.</summary>
    TenantFull,
    /// <summary>The disk is full, or would leave too little for the ledger.</summary>
    DiskFull,
    /// <summary>They are no tar, or one that holds what is not allowed.</summary>
    Malformed,
}

/// <summary>Bytes that are not taken, found while they are written. What was written of them is gone. The message is fit for a user.</summary>
public sealed class ArtifactException(ArtifactFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ArtifactFailure Failure { get; } = failure;
}
