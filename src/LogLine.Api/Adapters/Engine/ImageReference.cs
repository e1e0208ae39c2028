namespace LogLine.Api.Adapters.Engine;

/// <summary>An image reference split as the API's pull wants it; without tag and digest it is the tag <c>latest</c>, since the API would fetch every tag.</summary>
internal sealed record ImageReference(string Name, string TagOrDigest)
{
    const int MaxLength = 512;

    /// <summary>Why this text is refused before any engine sees it, or null. What else is no reference, the engine says better.</summary>
    public static string? Problem(string image) => image switch
    {
        "" => "image: empty; expected a reference such as docker.io/library/nginx:1.27",
        { Length: > MaxLength } => $"image: {image.Length} characters; at most {MaxLength}",
        ['-', ..] => $"image: '{image}' begins with '-', which no reference does",
        _ when image.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) => "image: white space or a control character in a reference",
        _ => null,
    };

    public static ImageReference Parse(string image)
    {
        if (image.Split('@', 2) is [var name, var digest])
            return new(name, digest);
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? new(image[..colon], image[(colon + 1)..]) : new(image, "latest");
    }
}
