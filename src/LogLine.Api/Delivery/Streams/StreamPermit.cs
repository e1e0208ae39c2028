using LogLine.Api.Tenants;

namespace LogLine.Api.Delivery.Streams;

/// <summary>
/// Whether a token still opens what it opened: asked for every event of every stream, so the directory is only asked again once a token has changed or this one has expired.
/// </summary>
/// <param name="tenants">Knows tokens.</param>
/// <param name="tokenHash">BLAKE3 of the token.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamPermit(TenantDirectory tenants, byte[] tokenHash, TimeProvider time)
{
    private int _version = tenants.Version - 1; // not asked yet
    private DateTimeOffset _until;

    /// <summary>True while the token is known, not revoked, not expired, and may read.</summary>
    public ValueTask<bool> IsGoodAsync() => tenants.Version == _version && time.GetUtcNow() < _until ? new(true) : AskAsync();

    private async ValueTask<bool> AskAsync()
    {
        var version = tenants.Version; // before asking: a change meanwhile is asked about again
        if (await tenants.AuthenticateAsync(tokenHash) is not { } principal || !principal.Has("read"))
        {
            return false;
        }
        (_version, _until) = (version, principal.ExpiresAt ?? DateTimeOffset.MaxValue);
        return true;
    }
}
