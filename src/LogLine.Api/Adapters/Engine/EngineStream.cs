namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// A connection to an engine that is no HTTP any more: both directions at once, and one can be closed alone. What was read too far, while the end of an answer's head was looked for, is read first.
/// </summary>
internal sealed class EngineStream(Stream connection, Func<Task> endWriting) : Stream
{
    ReadOnlyMemory<byte> before;

    /// <summary>The connection itself.</summary>
    public Stream Connection => connection;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Gives back what was read too far.</summary>
    public void Unread(ReadOnlyMemory<byte> bytes) => before = bytes;

    /// <summary>Says that nothing more is written; the other direction stays open.</summary>
    public Task EndWritingAsync() => endWriting();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (before.IsEmpty)
            return connection.ReadAsync(buffer, cancellationToken);
        var count = Math.Min(before.Length, buffer.Length);
        before[..count].CopyTo(buffer);
        before = before[count..];
        return new(count);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => connection.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => connection.WriteAsync(buffer, offset, count, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

    public override ValueTask DisposeAsync() => connection.DisposeAsync();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => connection.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            connection.Dispose();
        base.Dispose(disposing);
    }
}
