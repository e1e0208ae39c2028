namespace LogLine.Protocol.MiniContainers;

/// <summary>Names and subjects (contract, sections 3 and 4).</summary>
public static class Identifiers
{
    private static readonly System.Buffers.SearchValues<char> NameCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly System.Buffers.SearchValues<char> KidCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    /// <summary><c>^[a-z0-9][a-z0-9_-]{1,62}$</c></summary>
    public static bool IsTenant(ReadOnlySpan<char> text) => text.Length is >= 2 and <= 63 && IsName(text);

    /// <summary>True for the id of a run: <c>run_</c>, and 1 to 64 small letters and digits.</summary>
    public static bool IsRunId(ReadOnlySpan<char> text) =>
        text.StartsWith("run_", StringComparison.Ordinal) && text.Length is > 4 and <= 68 && !text[4..].ContainsAnyExcept("0123456789abcdefghijklmnopqrstuvwxyz");

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

    /// <summary><c>urn:webhook:&lt;tenant&gt;/&lt;id&gt;</c></summary>
    public static string WebhookSubject(string tenant, string webhookId) => $"urn:webhook:{tenant}/{webhookId}";

    /// <summary><c>urn:artifact:&lt;tenant&gt;</c></summary>
    public static string ArtifactSubject(string tenant) => $"urn:artifact:{tenant}";

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
