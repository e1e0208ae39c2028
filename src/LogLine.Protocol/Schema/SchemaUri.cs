using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Reference resolution of RFC 3986, section 5.2, on text. <see cref="Uri"/> is not used: it rewrites what it reads
/// (<c>file:///c:/…</c>, host case, escapes), and identifiers of schemas are compared as they are spelled.
/// </summary>
internal readonly record struct SchemaUri(string? Scheme, string? Authority, string Path, string? Query, string? Fragment)
{
    /// <summary>The parts of a URI reference; any text has them (RFC 3986, appendix B).</summary>
    public static SchemaUri Parse(string text)
    {
        string? fragment = null, query = null, scheme = null, authority = null;
        if (text.IndexOf('#') is var hash and >= 0)
            (text, fragment) = (text[..hash], text[(hash + 1)..]);
        if (text.IndexOf('?') is var mark and >= 0)
            (text, query) = (text[..mark], text[(mark + 1)..]);
        var colon = text.IndexOf(':');
        if (colon > 0 && IsScheme(text.AsSpan(0, colon)))
            (scheme, text) = (text[..colon], text[(colon + 1)..]);
        if (text.StartsWith("//", StringComparison.Ordinal))
        {
            var end = text.IndexOf('/', 2);
            (authority, text) = end < 0 ? (text[2..], "") : (text[2..end], text[end..]);
        }
        return new(scheme, authority, text, query, fragment);
    }

    /// <summary>Resolves a reference against a base, which may be empty (then the reference stays as it is).</summary>
    public static SchemaUri Resolve(string @base, string reference)
    {
        var r = Parse(reference);
        if (r.Scheme is not null)
            return r with { Path = RemoveDotSegments(r.Path) };
        var b = Parse(@base);
        if (r.Authority is not null)
            return r with { Scheme = b.Scheme, Path = RemoveDotSegments(r.Path) };
        if (r.Path.Length == 0)
            return b with { Query = r.Query ?? b.Query, Fragment = r.Fragment };
        var path = r.Path[0] == '/' ? r.Path : Merge(b, r.Path);
        return b with { Path = RemoveDotSegments(path), Query = r.Query, Fragment = r.Fragment };
    }

    /// <summary>The URI without its fragment: the identifier of a resource.</summary>
    public string WithoutFragment()
    {
        var text = new StringBuilder();
        if (Scheme is not null)
            text.Append(Scheme).Append(':');
        if (Authority is not null)
            text.Append("//").Append(Authority);
        text.Append(Path);
        if (Query is not null)
            text.Append('?').Append(Query);
        return text.ToString();
    }

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        if (!char.IsAsciiLetter(text[0]))
            return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
                return false;
        }
        return true;
    }

    private static string Merge(SchemaUri @base, string path)
    {
        if (@base.Authority is not null && @base.Path.Length == 0)
            return "/" + path;
        return @base.Path[..(@base.Path.LastIndexOf('/') + 1)] + path;
    }

    private static string RemoveDotSegments(string path)
    {
        if (!path.Contains('.', StringComparison.Ordinal))
            return path;
        var rooted = path.StartsWith('/');
        var segments = path.Split('/');
        var kept = new List<string>(segments.Length);
        for (var i = rooted ? 1 : 0; i < segments.Length; i++)
        {
            var last = i == segments.Length - 1;
            if (segments[i] is not ("." or ".."))
            {
                kept.Add(segments[i]);
                continue;
            }
            if (segments[i] == ".." && kept.Count > 0)
                kept.RemoveAt(kept.Count - 1);
            if (last)
                kept.Add("");
        }
        return (rooted ? "/" : "") + string.Join('/', kept);
    }
}
