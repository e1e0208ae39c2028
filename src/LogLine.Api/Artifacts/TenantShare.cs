namespace LogLine.Api.Artifacts;

/// <summary>What a tenant's artifacts take of its share. Bytes on their way in count already, so that many uploads at once are no way around the limit.</summary>
internal sealed class TenantShare(long used, long limit)
{
    private long _used = used;

    public long Used => Interlocked.Read(ref _used);

    /// <exception cref="ArtifactException">The share is used up; nothing was taken.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) > limit)
        {
            Return(bytes);
            throw new ArtifactException(ArtifactFailure.TenantFull, $"The tenant's artifacts would take more than {limit:N0} bytes (LogLine:Artifacts:TenantBytes). Remove some first (DELETE /v1/artifacts/{{hash}}).");
        }
    }

    public void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}
