using System.Buffers;

namespace LogLine.Protocol.Schema;

/// <summary>URIs and references by the grammar of RFC 3986, appendix A. ASCII only: anything else must be percent-encoded.</summary>
internal static class UriFormats
{
    private const string Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string NameCharacters = Alphanumeric + "-._~!$&'()*+,;=";

    private static readonly SearchValues<byte> Scheme = Set(Alphanumeric + "+-.");
    private static readonly SearchValues<byte> RegisteredName = Set(NameCharacters);
    private static readonly SearchValues<byte> UserInfo = Set(NameCharacters + ":");
    private static readonly SearchValues<byte> Path = Set(NameCharacters + ":@/");
    private static readonly SearchValues<byte> QueryOrFragment = Set(NameCharacters + ":@/?");

    public static bool IsUri(ReadOnlySpan<byte> text) => TrySkipScheme(ref text) && IsRest(text);

    public static bool IsReference(ReadOnlySpan<byte> text)
    {
        if (TrySkipScheme(ref text))
            return IsRest(text);
        // Without a scheme a colon in the first segment would make one.
        var end = text.IndexOfAny("/?#"u8);
        return (end < 0 ? text : text[..end]).IndexOf((byte)':') < 0 && IsRest(text);
    }

    private static bool TrySkipScheme(ref ReadOnlySpan<byte> text)
    {
        var colon = text.IndexOf((byte)':');
        if (colon < 1 || !char.IsAsciiLetter((char)text[0]) || text[..colon].ContainsAnyExcept(Scheme))
            return false;
        text = text[(colon + 1)..];
        return true;
    }

    private static bool IsRest(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf((byte)'#') is var hash and >= 0)
        {
            if (!Holds(text[(hash + 1)..], QueryOrFragment))
                return false;
            text = text[..hash];
        }
        if (text.IndexOf((byte)'?') is var mark and >= 0)
        {
            if (!Holds(text[(mark + 1)..], QueryOrFragment))
                return false;
            text = text[..mark];
        }
        if (!text.StartsWith("//"u8))
            return Holds(text, Path);
        text = text[2..];
        var slash = text.IndexOf((byte)'/');
        return slash < 0 ? IsAuthority(text) : IsAuthority(text[..slash]) && Holds(text[slash..], Path);
    }

    private static bool IsAuthority(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf((byte)'@') is var at and >= 0)
        {
            if (!Holds(text[..at], UserInfo))
                return false;
            text = text[(at + 1)..];
        }
        var port = text.LastIndexOf((byte)':');
        if (text.Length > 0 && text[0] == '[')
        {
            var end = text.IndexOf((byte)']');
            return end > 0 && IsAddress(text[1..end]) && (end == text.Length - 1 || (port == end + 1 && IsPort(text[(port + 1)..])));
        }
        return port < 0 ? Holds(text, RegisteredName) : Holds(text[..port], RegisteredName) && IsPort(text[(port + 1)..]);
    }

    private static bool IsAddress(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] is not ((byte)'v' or (byte)'V'))
            return HostFormats.IsIpv6(text);
        var dot = text.IndexOf((byte)'.');
        if (dot < 2 || dot == text.Length - 1 || text[(dot + 1)..].ContainsAnyExcept(UserInfo))
            return false;
        foreach (var b in text[1..dot])
        {
            if (!char.IsAsciiHexDigit((char)b))
                return false;
        }
        return true;
    }

    private static bool IsPort(ReadOnlySpan<byte> text) => !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    // The characters of the set, and percent-encoded octets.
    private static bool Holds(ReadOnlySpan<byte> text, SearchValues<byte> allowed)
    {
        while (text.IndexOfAnyExcept(allowed) is var other and >= 0)
        {
            if (text[other] != '%' || text.Length < other + 3 || !char.IsAsciiHexDigit((char)text[other + 1]) || !char.IsAsciiHexDigit((char)text[other + 2]))
                return false;
            text = text[(other + 3)..];
        }
        return true;
    }

    private static SearchValues<byte> Set(string characters) => SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(characters));
}
