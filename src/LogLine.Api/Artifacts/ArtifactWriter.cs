using LogLine.Protocol.Crypto;

namespace LogLine.Api.Artifacts;

/// <summary>
/// An artifact on its way in: hashed and counted while it is written. <see cref="Seal"/> brings it to the disk and says its name;
/// <see cref="Publish"/> gives it that name. Disposed before that, nothing of it is left.
/// </summary>
/// <remarks>Every write can throw <see cref="ArtifactException"/>.</remarks>
public sealed class ArtifactWriter : Stream
{
    private const long LookEvery = 8 << 20;

    private readonly ArtifactStore _store;
    private readonly TenantShare _share;
    private readonly string _tenant;
    private readonly string _path;
    private readonly FileStream _file;
    private readonly Blake3Hasher _hasher = new();
    private long _length;
    private long _looked;
    private bool _isDone;

    internal ArtifactWriter(ArtifactStore store, TenantShare share, string tenant, string path)
    {
        (_store, _share, _tenant, _path) = (store, share, tenant, path);
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
    }

    /// <summary>Bytes so far.</summary>
    public override long Length => _length;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_isDone;

    /// <inheritdoc/>
    public override long Position { get => _length; set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Count(buffer);
        Within(buffer, static (file, bytes) => file.Write(bytes));
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Count(buffer.Span);
        try
        {
            await _file.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException full) when (ArtifactStore.IsDiskFull(full))
        {
            throw ArtifactStore.DiskFull(full);
        }
    }

    /// <summary>Brings the bytes to the disk. Nothing can be written any more.</summary>
    public ArtifactHash Seal()
    {
        Within([], static (file, _) => file.Flush(flushToDisk: true));
        _file.Dispose();
        return ArtifactHash.Of(_hasher);
    }

    /// <summary>Gives what was sealed its name; true when the tenant did not have it before.</summary>
    public bool Publish()
    {
        var isNew = _store.Publish(_tenant, ArtifactHash.Of(_hasher), _path);
        _isDone = true;
        if (!isNew)
        {
            _share.Return(_length);
        }
        return isNew;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDone)
        {
            _isDone = true;
            _file.Dispose();
            File.Delete(_path);
            _share.Return(_length);
        }
        base.Dispose(disposing);
    }

    private void Count(ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > _store.Options.MaxBytes)
        {
            throw new ArtifactException(ArtifactFailure.TooLarge, $"An artifact has at most {_store.Options.MaxBytes:N0} bytes (LogLine:Artifacts:MaxBytes).");
        }
        _share.Take(bytes.Length);
        _length += bytes.Length;
        if (_length - _looked > LookEvery)
        {
            _looked = _length;
            _store.EnsureRoom();
        }
        _hasher.Update(bytes);
    }

    private delegate void FileAct(FileStream file, ReadOnlySpan<byte> bytes);

    private void Within(ReadOnlySpan<byte> bytes, FileAct act)
    {
        try
        {
            act(_file, bytes);
        }
        catch (IOException full) when (ArtifactStore.IsDiskFull(full))
        {
            throw ArtifactStore.DiskFull(full);
        }
    }
}
