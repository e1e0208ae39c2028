using System.Text;

namespace LogLine.Fuzz.Hosting;

/// <summary>A request in the form in which it is mutated and kept: request line, headers, an empty line, the body. Lines end in LF.</summary>
internal sealed record FuzzRequest(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    /// <summary>Stands in an <c>Authorization</c> for the token of the gateway that gets the request.</summary>
    public const string Token = "$TOKEN";

    private static readonly UTF8Encoding Strict = new(false, true);

    /// <summary>Null for bytes that no HTTP server would hand on: it refuses them before an application sees them.</summary>
    public static FuzzRequest? Parse(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\n\n"u8);
        if (end < 0 || Text(bytes[..end]) is not { } head)
        {
            return null;
        }
        var lines = head.Split('\n');
        var first = lines[0].Split(' ');
        if (first is not [var method, ['/', ..] target] || !IsName(method) || !IsTarget(target))
        {
            return null;
        }
        var headers = new List<(string, string)>();
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':');
            if (colon <= 0 || !IsName(line[..colon]) || line.Any(char.IsControl))
            {
                return null;
            }
            headers.Add((line[..colon], line[(colon + 1)..].Trim(' ')));
        }
        return new FuzzRequest(method, target, headers, bytes[(end + 2)..].ToArray());
    }

    /// <summary>As bytes.</summary>
    public byte[] Write() => [.. Encoding.UTF8.GetBytes($"{Method} {Target}\n{string.Concat(Headers.Select(header => $"{header.Name}: {header.Value}\n"))}\n"), .. Body];

    /// <summary>With one header of that name, or none.</summary>
    public FuzzRequest With(string name, string? value) => this with
    {
        Headers = [.. Headers.Where(header => !header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)), .. value is null ? Array.Empty<(string, string)>() : [(name, value)]],
    };

    /// <summary>The first header of that name.</summary>
    public string? Header(string name) => Headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    private static string? Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static bool IsName(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));

    private static bool IsTarget(string text) => text.All(c => c is > ' ' and < '\x7f' and not '#') && !text.Contains("%00", StringComparison.Ordinal);
}

/// <summary>What came back.</summary>
internal sealed record FuzzAnswer(int Status, string? ContentType, byte[] Body);
