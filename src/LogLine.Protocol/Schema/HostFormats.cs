using System.Buffers;
using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>Host names (RFC 1123, with RFC 5890 for labels that begin with xn--), addresses (RFC 2673, RFC 4291), mailboxes (RFC 5321).</summary>
internal static class HostFormats
{
    private const int LongestHostName = 253;
    private const int LongestLabel = 63;
    private const int LongestLocalPart = 64;
    private const int LongestMailbox = 254;

    private static readonly SearchValues<byte> LabelCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"u8);
    private static readonly SearchValues<byte> AtomCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~."u8);

    public static bool IsHostName(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > LongestHostName)
            return false;
        while (true)
        {
            var dot = text.IndexOf((byte)'.');
            if (!IsLabel(dot < 0 ? text : text[..dot]))
                return false;
            if (dot < 0)
                return true;
            text = text[(dot + 1)..];
        }
    }

    public static bool IsIpv4(ReadOnlySpan<byte> text)
    {
        for (var part = 0; part < 4; part++)
        {
            var end = part == 3 ? text.Length : text.IndexOf((byte)'.');
            if (end is < 1 or > 3 || text[..end].ContainsAnyExceptInRange((byte)'0', (byte)'9') || (end > 1 && text[0] == '0'))
                return false;
            var value = 0;
            foreach (var digit in text[..end])
                value = value * 10 + digit - '0';
            if (value > 255)
                return false;
            text = part == 3 ? default : text[(end + 1)..];
        }
        return true;
    }

    public static bool IsIpv6(ReadOnlySpan<byte> text)
    {
        var gap = text.IndexOf("::"u8);
        if (gap < 0)
            return CountGroups(text, mayEndInIpv4: true) == 8;
        var (before, after) = (CountGroups(text[..gap], mayEndInIpv4: false), CountGroups(text[(gap + 2)..], mayEndInIpv4: true));
        return before >= 0 && after >= 0 && before + after <= 7;
    }

    public static bool IsEmail(ReadOnlySpan<byte> text)
    {
        if (text.Length > LongestMailbox)
            return false;
        var at = text.LastIndexOf((byte)'@');
        if (at is < 1 or > LongestLocalPart)
            return false;
        var local = text[..at];
        return (local[0] == '"' ? IsQuoted(local) : IsDotted(local)) && IsMailDomain(text[(at + 1)..]);
    }

    /// <summary>Groups of an IPv6 address, an IPv4 tail counting as two; −1 when it is none.</summary>
    private static int CountGroups(ReadOnlySpan<byte> text, bool mayEndInIpv4)
    {
        if (text.IsEmpty)
            return 0;
        for (var count = 1; count <= 8; count++)
        {
            var colon = text.IndexOf((byte)':');
            var group = colon < 0 ? text : text[..colon];
            if (colon < 0 && mayEndInIpv4 && IsIpv4(group))
                return count + 1;
            if (group.Length is 0 or > 4 || !IsHex(group))
                return -1;
            if (colon < 0)
                return count;
            text = text[(colon + 1)..];
        }
        return -1;
    }

    private static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (var b in text)
        {
            if (!char.IsAsciiHexDigit((char)b))
                return false;
        }
        return true;
    }

    private static bool IsLabel(ReadOnlySpan<byte> label)
    {
        if (label.Length is 0 or > LongestLabel || label[0] == '-' || label[^1] == '-' || label.ContainsAnyExcept(LabelCharacters))
            return false;
        return label.Length < 4 || !Ascii.EqualsIgnoreCase(label[..4], "xn--"u8) || InternationalLabel.IsValid(label[4..]);
    }

    private static bool IsDotted(ReadOnlySpan<byte> local) =>
        local[0] != '.' && local[^1] != '.' && local.IndexOf(".."u8) < 0 && !local.ContainsAnyExcept(AtomCharacters);

    private static bool IsQuoted(ReadOnlySpan<byte> local)
    {
        if (local.Length < 2 || local[^1] != '"')
            return false;
        local = local[1..^1];
        for (var i = 0; i < local.Length; i++)
        {
            // A quoted pair: the backslash lets a quote or a backslash follow it.
            if (local[i] == '\\')
                i++;
            else if (local[i] == '"')
                return false;
            if (i == local.Length || local[i] is < 32 or > 126)
                return false;
        }
        return true;
    }

    private static bool IsMailDomain(ReadOnlySpan<byte> domain)
    {
        if (domain.Length < 3 || domain[0] != '[' || domain[^1] != ']')
            return IsHostName(domain);
        var address = domain[1..^1];
        return address.StartsWith("IPv6:"u8) ? IsIpv6(address[5..]) : IsIpv4(address);
    }
}
