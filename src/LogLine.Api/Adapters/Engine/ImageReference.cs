using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>An image reference split as the API's pull wants it; without tag and digest it is the tag <c>latest</c>, since the API would fetch every tag.</summary>
internal sealed record ImageReference(string Name, string TagOrDigest)
{
    const int MaxLength = 512;

    /// <summary>The registry that the name begins with (host, and port if it has one), or Docker's own when it begins with none.</summary>
    public string Registry => Name.Split('/', 2) is [var first, _] && (first.AsSpan().ContainsAny('.', ':') || first == "localhost") ? first : "docker.io";

    /// <summary>The registry is on this machine.</summary>
    public bool IsOnLoopback => Name.StartsWith("localhost:", StringComparison.Ordinal) || Name.StartsWith("127.", StringComparison.Ordinal);

    /// <summary>As it is written: <c>name:tag</c>, or <c>name@digest</c>.</summary>
    public override string ToString() => TagOrDigest.Contains(':') ? $"{Name}@{TagOrDigest}" : $"{Name}:{TagOrDigest}";

    /// <summary>Why this text is refused before any engine sees it, or null. What else is no reference, the engine says better.</summary>
    public static string? Problem(string image) => image switch
    {
        "" => "image: empty; expected a reference such as docker.io/library/nginx:1.27",
        { Length: > MaxLength } => $"image: {image.Length} characters; at most {MaxLength}",
        ['-', ..] => $"image: '{image}' begins with '-', which no reference does",
        _ when image.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) => "image: white space or a control character in a reference",
        _ => ImageName.Problem(image) is { } problem ? $"image: {problem}" : null,
    };

    public static ImageReference Parse(string image)
    {
        if (image.Split('@', 2) is [var name, var digest])
            return new(name, digest);
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? new(image[..colon], image[(colon + 1)..]) : new(image, "latest");
    }
}
