using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>A checked <c>format</c>.</summary>
/// <param name="Name">As in the schema.</param>
/// <param name="Description">What is accepted, for messages.</param>
/// <param name="IsMatch">Judges the UTF-8 content of a string in time linear in its length.</param>
internal sealed record TextFormat(string Name, string Description, TextFormat.Check IsMatch)
{
    /// <summary>Whether the text has the format. Nothing is allocated, except for <c>regex</c> and internationalised host names.</summary>
    public delegate bool Check(ReadOnlySpan<byte> utf8);

    private static readonly TextFormat[] Known =
    [
        new("date-time", "a date and time of RFC 3339 (2025-11-17T13:00:00Z)", TimeFormats.IsDateTime),
        new("date", "a date of RFC 3339 (2025-11-17)", TimeFormats.IsDate),
        new("time", "a time of RFC 3339 with its offset (13:00:00Z)", TimeFormats.IsTime),
        new("duration", "a duration of ISO 8601 (PT15M)", TimeFormats.IsDuration),
        new("email", "an e-mail address", HostFormats.IsEmail),
        new("hostname", "a host name", HostFormats.IsHostName),
        new("ipv4", "an IPv4 address in four decimal parts", HostFormats.IsIpv4),
        new("ipv6", "an IPv6 address", HostFormats.IsIpv6),
        new("uri", "an absolute URI", UriFormats.IsUri),
        new("uri-reference", "a URI or a relative reference", UriFormats.IsReference),
        new("uuid", "a UUID (2eb8aa08-aa98-11ea-b4aa-73b441d16380)", IsUuid),
        new("regex", "a regular expression of ECMA-262", IsRegex),
        new("json-pointer", "a JSON Pointer (/a/b)", IsJsonPointer),
    ];

    /// <summary>Null for a format that is not checked here.</summary>
    public static TextFormat? Find(string name) => Array.Find(Known, f => f.Name == name);

    private static bool IsUuid(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length != 36)
            return false;
        for (var i = 0; i < utf8.Length; i++)
        {
            if (i is 8 or 13 or 18 or 23 ? utf8[i] != '-' : !char.IsAsciiHexDigit((char)utf8[i]))
                return false;
        }
        return true;
    }

    // Whether it is one of ECMA-262, not whether it could be a "pattern" here: look-around is valid, though nothing matches it.
    private static bool IsRegex(ReadOnlySpan<byte> utf8) =>
        utf8.Length <= SchemaLimits.PatternLength * 3 && EcmaRegexParser.IsValid(Encoding.UTF8.GetString(utf8));

    private static bool IsJsonPointer(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > 0 && utf8[0] != '/')
            return false;
        for (var tilde = utf8.IndexOf((byte)'~'); tilde >= 0; tilde = utf8.IndexOf((byte)'~'))
        {
            if (tilde + 1 >= utf8.Length || utf8[tilde + 1] is not ((byte)'0' or (byte)'1'))
                return false;
            utf8 = utf8[(tilde + 2)..];
        }
        return true;
    }
}
