using System.Net.Http.Headers;

namespace LogLine.Cli.Client;

/// <summary>A file as the body of a request. It stays open afterwards: a request may be sent again.</summary>
internal sealed class StreamBody : HttpContent
{
    private readonly Stream _content;

    private StreamBody(Stream content)
    {
        _content = content;
        Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
    }

    public static StreamBody Of(Stream content) => new(content);

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => _content.CopyToAsync(stream);

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken) => _content.CopyToAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = _content.Length;
        return true;
    }
}
