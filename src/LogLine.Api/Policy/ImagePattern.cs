using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Policy;

/// <summary>
/// A pattern of image references (OCI distribution: registry/repository[:tag][@digest]). Both sides are completed (<see cref="ImageName"/>):
/// <c>nginx</c> is <c>docker.io/library/nginx</c>. An id has no name, so no pattern is its. A <c>*</c> stands at the end of the name or of the tag; without a tag, every tag and digest matches.
/// </summary>
public sealed class ImagePattern
{
    private readonly string _text;
    private readonly string _name;
    private readonly string? _tag;

    private ImagePattern(string text) => (_text, (_name, _tag, _)) = (text, ImageName.Of(text));

    /// <summary>Reads a pattern; every text is one.</summary>
    public static ImagePattern Parse(string text) => new(text);

    /// <summary>True when the image is one of the pattern's.</summary>
    public bool Matches(string image)
    {
        if (ImageName.IsId(image))
        {
            return false;
        }
        var (name, tag, digest) = ImageName.Of(image);
        return MatchesPart(_name, name) && (_tag is null || MatchesPart(_tag, tag ?? (digest is null ? "latest" : "")));
    }

    private static bool MatchesPart(string pattern, string text) =>
        pattern.EndsWith('*') ? text.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal) : pattern == text;

    /// <summary>As it was written.</summary>
    public override string ToString() => _text;
}
