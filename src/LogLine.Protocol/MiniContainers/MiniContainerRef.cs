using System.Diagnostics.CodeAnalysis;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// <c>mc:&lt;tenant&gt;/&lt;name&gt;@blake3:&lt;64 hex&gt;</c>: names a MiniContainer and the exact manifest (contract, section 7). The hash is of the
/// canonical manifest, provenance included.
/// </summary>
public sealed record MiniContainerRef(string Tenant, string Name, string Hash)
{
    /// <summary>How the full form looks, for messages.</summary>
    public const string Form = "mc:<tenant>/<name>@blake3:<64 hex characters>";

    /// <summary>The ref of a signed manifest that is applied under <paramref name="name"/>.</summary>
    public static MiniContainerRef Of(string tenant, string name, System.Text.Json.JsonElement manifest) =>
        new(tenant, name, ContentHash.Of(CanonicalJson.BytesOf(manifest)));

    /// <summary>Reads the full form; a shorter hash is not a ref.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out MiniContainerRef? reference)
    {
        reference = null;
        if (text is null || !text.StartsWith("mc:", StringComparison.Ordinal))
        {
            return false;
        }
        var slash = text.IndexOf('/');
        var at = text.IndexOf('@');
        if (slash < 0 || at < slash || !Identifiers.IsTenant(text.AsSpan(3, slash - 3)) || !Identifiers.IsName(text.AsSpan(slash + 1, at - slash - 1)))
        {
            return false;
        }
        var hash = text[(at + 1)..];
        if (!hash.StartsWith(ContentHash.Prefix, StringComparison.Ordinal) || hash.Length != ContentHash.Prefix.Length + 64
            || hash.AsSpan(ContentHash.Prefix.Length).ContainsAnyExcept("0123456789abcdef"))
        {
            return false;
        }
        reference = new MiniContainerRef(text[3..slash], text[(slash + 1)..at], hash);
        return true;
    }

    /// <summary><c>urn:minicontainer:&lt;tenant&gt;/&lt;name&gt;</c>.</summary>
    public string Subject => Identifiers.MiniContainerSubject(Tenant, Name);

    /// <summary>The full form.</summary>
    public override string ToString() => $"mc:{Tenant}/{Name}@{Hash}";
}
