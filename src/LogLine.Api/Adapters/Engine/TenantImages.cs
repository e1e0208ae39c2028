using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Whose an image is. An engine has one store for all tenants, so names decide: what a tenant makes is called <c>localhost/&lt;tenant&gt;/&lt;name&gt;</c> and is its
/// own; such a name of another tenant does not exist for it; every other image is shared, and can be used but not changed.
/// </summary>
internal static class TenantImages
{
    const string Local = "localhost/";

    /// <summary>The full reference of an image of the tenant's own, from <c>name[:tag]</c> or from the full reference itself.</summary>
    /// <exception cref="AdapterException">The reference is not the tenant's to give.</exception>
    public static string Own(string tenant, string image)
    {
        var full = image.Contains('/') ? image : $"{Local}{tenant}/{image}";
        if (!IsOwn(tenant, full) || full.Contains('@'))
            throw new AdapterException(AdapterFailure.Refused, $"The image '{image}' is not the tenant's own: give a name[:tag], which becomes {Local}{tenant}/name:tag.");
        var reference = ImageReference.Parse(full);
        return $"{reference.Name}:{reference.TagOrDigest}";
    }

    /// <summary>The reference itself when the tenant may see what it names.</summary>
    /// <exception cref="AdapterException">It names another tenant's: that does not exist.</exception>
    public static string Visible(string tenant, string image) =>
        IsVisible(tenant, image) ? image : throw new AdapterException(AdapterFailure.ImageNotFound, $"There is no image '{image}'.");

    /// <summary>True for <c>localhost/&lt;tenant&gt;/…</c>.</summary>
    public static bool IsOwn(string tenant, string reference) => reference.StartsWith($"{Local}{tenant}/", StringComparison.Ordinal);

    /// <summary>True when an engine could take the reference for an id or the beginning of one.</summary>
    public static bool MayBeId(string reference) => reference.StartsWith("sha256:", StringComparison.Ordinal) || reference.All(char.IsAsciiHexDigitLower);

    /// <summary>True for what the tenant may see: its own and what is shared.</summary>
    public static bool IsVisible(string tenant, string reference) =>
        IsOwn(tenant, reference) || !reference.StartsWith(Local, StringComparison.Ordinal) || !reference.AsSpan(Local.Length).Contains('/');
}
