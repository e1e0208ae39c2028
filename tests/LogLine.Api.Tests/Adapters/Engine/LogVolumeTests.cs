using System.Buffers.Binary;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A gibibyte of output goes through the reader's side without staying in it. No engine: what an engine would send, as fast as it can be read.</summary>
[Collection(nameof(Alone))]
public sealed class LogVolumeTests
{
    private const long Gibibyte = 1L << 30;
    private const long HeapMayMove = 8L << 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AGibibyteWithAReaderThatNeverReads_DoesNotStayOnTheHeap()
    {
        var ring = new LogRing();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await EngineLogFrames.ReadAsync(new EndlessFrames(Gibibyte), framed: true, ring.Append, Cancel);
        var after = GC.GetTotalMemory(forceFullCollection: true);
        ring.End();
        var (lines, dropped) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.InRange(after - before, long.MinValue, HeapMayMove);
        Assert.InRange(lines.Count, 1, LogRing.DefaultLines);
        Assert.True(dropped > lines.Count);
    }

    [Fact]
    public async Task TheLastLinesOfAGibibyte_AreAllThatIsHeld()
    {
        var tail = new LogTailBuffer(100, 16 << 10);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await EngineLogFrames.ReadAsync(new EndlessFrames(Gibibyte), framed: true, tail.Append, Cancel);

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, HeapMayMove);
        Assert.InRange(tail.Finish().Lines.Count, 1, 100);
    }

    /// <summary>Frames of one line of 1023 bytes and its end, until so many bytes of output were read.</summary>
    private sealed class EndlessFrames : Stream
    {
        private readonly byte[] _frame = new byte[8 + 1024];
        private readonly long _length;
        private long _position;

        public EndlessFrames(long output)
        {
            _length = output / 1024 * _frame.Length;
            _frame[0] = 1;
            BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(4), 1024);
            _frame.AsSpan(8).Fill((byte)'x');
            _frame[^1] = (byte)'\n';
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var at = (int)(_position % _frame.Length);
            var count = (int)Math.Min(Math.Min(buffer.Length, _frame.Length - at), _length - _position);
            _frame.AsSpan(at, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>Tests that look at the whole process run when nothing else does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
