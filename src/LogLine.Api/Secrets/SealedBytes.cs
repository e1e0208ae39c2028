using LogLine.Api.Artifacts;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Secrets;

/// <summary>Reads sealed artifacts, which are small; another one under the same kind of name may be anything.</summary>
internal static class SealedBytes
{
    private const int MaxBytes = SealedArtifact.MaxSecretBytes + 1024;

    /// <summary>Reads from the gateway's own store; null when the tenant has no such artifact, or one that is too large for a secret.</summary>
    public static Func<string, string, CancellationToken, Task<byte[]?>> Of(ArtifactStore store) => async (tenant, name, cancel) =>
    {
        if (!ArtifactHash.TryParse(name, out var hash))
        {
            return null;
        }
        await using var file = store.OpenRead(tenant, hash);
        if (file is null || file.Length > MaxBytes)
        {
            return null;
        }
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, cancel);
        return bytes;
    };
}
