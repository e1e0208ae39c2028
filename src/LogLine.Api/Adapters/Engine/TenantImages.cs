using LogLine.Api.Runs;
using LogLine.Protocol.MiniContainers;

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

    /// <summary>The reference in full when the tenant may see what it names: engines get no other, since each would complete it in its own way.</summary>
    /// <exception cref="AdapterException">It names another tenant's, which does not exist; or it is no reference.</exception>
    public static string Visible(string tenant, string image)
    {
        if (ImageName.Problem(image) is { } problem)
            throw new AdapterException(AdapterFailure.Refused, $"image: {problem}");
        var full = ImageName.Full(image);
        return IsVisible(tenant, full) ? full : throw new AdapterException(AdapterFailure.ImageNotFound, $"There is no image '{image}'.");
    }

    /// <summary>True for <c>localhost/&lt;tenant&gt;/…</c>.</summary>
    public static bool IsOwn(string tenant, string reference) => reference.StartsWith($"{Local}{tenant}/", StringComparison.Ordinal);

    /// <summary>True for what the tenant may see: its own and what is shared.</summary>
    public static bool IsVisible(string tenant, string reference) =>
        IsOwn(tenant, reference) || !reference.StartsWith(Local, StringComparison.Ordinal) || !reference.AsSpan(Local.Length).Contains('/');
}
