using System.Net;
using System.Net.Http.Headers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>A body that is written while it is sent, of a length that nobody knows before.</summary>
internal sealed class WrittenContent : HttpContent
{
    readonly Func<Stream, CancellationToken, Task> write;

    public WrittenContent(Func<Stream, CancellationToken, Task> write, string mediaType)
    {
        this.write = write;
        Headers.ContentType = new MediaTypeHeaderValue(mediaType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) => write(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
