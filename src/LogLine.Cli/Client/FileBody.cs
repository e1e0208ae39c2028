using System.Net.Http.Headers;

namespace LogLine.Cli.Client;

/// <summary>A file as the body of a request. It stays open afterwards: a request may be sent again.</summary>
internal sealed class FileBody : HttpContent
{
    private readonly FileStream _file;

    private FileBody(FileStream file)
    {
        _file = file;
        Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
    }

    public static FileBody Of(FileStream file) => new(file);

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => _file.CopyToAsync(stream);

    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken) => _file.CopyToAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = _file.Length;
        return true;
    }
}
