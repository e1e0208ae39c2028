namespace LogLine.Api.Policy;

/// <summary>
/// A pattern of image references (OCI distribution: registry/repository[:tag][@digest]). Both sides are completed as engines do it:
/// <c>nginx</c> is <c>docker.io/library/nginx</c>. A <c>*</c> stands at the end of the name or of the tag; without a tag, every tag and digest matches.
/// </summary>
public sealed class ImagePattern
{
    private readonly string _text;
    private readonly string _name;
    private readonly string? _tag;

    private ImagePattern(string text) => (_text, (_name, _tag, _)) = (text, Complete(text));

    /// <summary>Reads a pattern; every text is one.</summary>
    public static ImagePattern Parse(string text) => new(text);

    /// <summary>True when the image is one of the pattern's.</summary>
    public bool Matches(string image)
    {
        var (name, tag, digest) = Complete(image);
        return MatchesPart(_name, name) && (_tag is null || MatchesPart(_tag, tag ?? (digest is null ? "latest" : "")));
    }

    private static bool MatchesPart(string pattern, string text) =>
        pattern.EndsWith('*') ? text.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal) : pattern == text;

    private static (string Name, string? Tag, string? Digest) Complete(string reference)
    {
        var at = reference.IndexOf('@');
        var digest = at < 0 ? null : reference[(at + 1)..];
        var rest = at < 0 ? reference : reference[..at];
        var colon = rest.LastIndexOf(':');
        var tag = colon > rest.LastIndexOf('/') ? rest[(colon + 1)..] : null;
        var name = tag is null ? rest : rest[..colon];
        var slash = name.IndexOf('/');
        var first = slash < 0 ? "" : name[..slash];
        if (first.Contains('.') || first.Contains(':') || first == "localhost")
        {
            return (name, tag, digest);
        }
        return ("docker.io/" + (slash < 0 ? "library/" : "") + name, tag, digest);
    }

    /// <summary>As it was written.</summary>
    public override string ToString() => _text;
}
