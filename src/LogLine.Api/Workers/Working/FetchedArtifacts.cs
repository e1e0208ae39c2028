using LogLine.Api.Artifacts;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Working;

/// <summary>Artifacts that lie at the gateway. They are fetched into a file that is gone when it is closed, and verified by their name.</summary>
internal sealed class FetchedArtifacts(GatewayConnection connection, string runId, long maxBytes, TimeProvider time) : RunArtifacts
{
    private const int CopyBytes = 128 * 1024;

    public override long MaxBytes => maxBytes;

    public override async Task<FileStream?> OpenReadAsync(string? name, CancellationToken cancel)
    {
        if (!ArtifactHash.TryParse(name, out var hash))
        {
            return null;
        }
        var file = Nameless();
        try
        {
            if (!await connection.DownloadAsync($"v1/runs/{runId}/artifacts/{hash}", file, cancel))
            {
                await file.DisposeAsync();
                return null;
            }
            file.Position = 0;
            var hasher = new Blake3Hasher();
            var buffer = new byte[CopyBytes];
            for (int count; (count = await file.ReadAsync(buffer, cancel)) > 0;)
            {
                hasher.Update(buffer.AsSpan(0, count));
            }
            file.Position = 0;
            return ArtifactHash.Of(hasher) == hash ? file : throw new ArtifactException(ArtifactFailure.Malformed, $"The gateway's bytes of {hash} have another hash.");
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    public override async Task<StoredArtifact> WriteAsync(Func<Stream, Task> write, CancellationToken cancel)
    {
        using var folder = WorkFolder.Create(WorkFolder.Disk);
        await using var file = folder.Open("artifact", FileShare.ReadWrite | FileShare.Delete);
        var hashing = new HashingStream(file, maxBytes);
        await write(hashing);
        await file.FlushAsync(cancel);
        var hash = hashing.Hash();
        var answer = await connection.UploadAsync($"v1/runs/{runId}/artifacts/{hash}", () => new FileStream(file.Name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), cancel);
        return answer.IsOk
            ? new StoredArtifact(hash, hashing.Length, time.GetUtcNow())
            : throw new ArtifactException(answer.Status == 413 ? ArtifactFailure.TooLarge : Enum.TryParse<ArtifactFailure>(answer.Reason, out var failure) ? failure : ArtifactFailure.Malformed, answer.Body.Text("detail") ?? $"The gateway answers {answer.Status}.");
    }

    /// <summary>A file that loses its name at once where the system allows it: whatever becomes of this process, it is gone then.</summary>
    private static FileStream Nameless()
    {
        using var folder = WorkFolder.Create(WorkFolder.Disk);
        return folder.Open("artifact", FileShare.ReadWrite | FileShare.Delete);
    }

    /// <summary>Counts and hashes what is written.</summary>
    private sealed class HashingStream(Stream inner, long most) : Stream
    {
        private readonly Blake3Hasher _hasher = new();
        private long _length;

        public override long Length => _length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Position { get => _length; set => throw new NotSupportedException(); }

        public ArtifactHash Hash() => ArtifactHash.Of(_hasher);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Count(buffer);
            inner.Write(buffer);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count(buffer.Span);
            await inner.WriteAsync(buffer, cancellationToken);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        private void Count(ReadOnlySpan<byte> bytes)
        {
            if ((_length += bytes.Length) > most)
            {
                throw new ArtifactException(ArtifactFailure.TooLarge, $"An artifact has at most {most:N0} bytes (LogLine:Artifacts:MaxBytes).");
            }
            _hasher.Update(bytes);
        }
    }
}
