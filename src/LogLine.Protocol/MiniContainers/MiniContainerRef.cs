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
        if (slash < 0 || at < slash || !Names.IsTenant(text.AsSpan(3, slash - 3)) || !Names.IsName(text.AsSpan(slash + 1, at - slash - 1)))
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
    public string Subject => Names.MiniContainerSubject(Tenant, Name);

    /// <summary>The full form.</summary>
    public override string ToString() => $"mc:{Tenant}/{Name}@{Hash}";
}

/// <summary>Names and subjects (contract, sections 3 and 4).</summary>
public static class Names
{
    private static readonly System.Buffers.SearchValues<char> NameCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly System.Buffers.SearchValues<char> KidCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    /// <summary><c>^[a-z0-9][a-z0-9_-]{1,62}$</c></summary>
    public static bool IsTenant(ReadOnlySpan<char> text) => text.Length is >= 2 and <= 63 && IsName(text);

    /// <summary><c>^[a-z0-9][a-z0-9_-]{0,62}$</c></summary>
    public static bool IsName(ReadOnlySpan<char> text) =>
        text.Length is >= 1 and <= 63 && char.IsAsciiLetterOrDigit(text[0]) && !text.ContainsAnyExcept(NameCharacters);

    /// <summary><c>^[A-Za-z0-9._:-]{1,128}$</c></summary>
    public static bool IsKid(ReadOnlySpan<char> text) => text.Length is >= 1 and <= 128 && !text.ContainsAnyExcept(KidCharacters);

    /// <summary><c>urn:minicontainer:&lt;tenant&gt;/&lt;name&gt;</c></summary>
    public static string MiniContainerSubject(string tenant, string name) => $"urn:minicontainer:{tenant}/{name}";

    /// <summary><c>urn:container:&lt;tenant&gt;/&lt;name&gt;</c></summary>
    public static string ContainerSubject(string tenant, string name) => $"urn:container:{tenant}/{name}";

    /// <summary><c>urn:wallet:&lt;tenant&gt;</c></summary>
    public static string WalletSubject(string tenant) => $"urn:wallet:{tenant}";

    /// <summary><c>urn:tenant:&lt;tenant&gt;</c></summary>
    public static string TenantSubject(string tenant) => $"urn:tenant:{tenant}";

    /// <summary>Takes <c>urn:&lt;kind&gt;:&lt;tenant&gt;[/&lt;name&gt;]</c> apart; false when it has another form.</summary>
    public static bool TryParseSubject(string? subject, out string kind, out string tenant, out string name)
    {
        (kind, tenant, name) = ("", "", "");
        if (subject is null || subject.Length > 512 || !subject.StartsWith("urn:", StringComparison.Ordinal))
        {
            return false;
        }
        var colon = subject.IndexOf(':', 4);
        if (colon < 0)
        {
            return false;
        }
        kind = subject[4..colon];
        var rest = subject[(colon + 1)..];
        var slash = rest.IndexOf('/');
        (tenant, name) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        return true;
    }
}
