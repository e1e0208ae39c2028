using System.Buffers.Binary;
using System.Globalization;
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
        var before = LivingMemory.Bytes();

        await EngineLogFrames.ReadAsync(new EndlessFrames(Gibibyte), framed: true, ring.Append, Cancel);
        await LivingMemory.AssertSettlesAsync(LivingMemory.Bytes, before + HeapMayMove);
        ring.End();
        var (lines, dropped) = (await ring.TakeAsync(Cancel))!.Value;

        Assert.InRange(lines.Count, 1, LogRing.DefaultLines);
        Assert.True(dropped > lines.Count);
    }

    [Fact]
    public async Task TheLastLinesOfAGibibyte_AreAllThatIsHeld()
    {
        var tail = new LogTailBuffer(100, 16 << 10);
        var before = LivingMemory.Bytes();

        await EngineLogFrames.ReadAsync(new EndlessFrames(Gibibyte), framed: true, tail.Append, Cancel);

        await LivingMemory.AssertSettlesAsync(LivingMemory.Bytes, before + HeapMayMove);
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

/// <summary>What is held for good of the process's memory. A single look may come before what is no longer used has been let go; what is held is there at every look.</summary>
internal static class LivingMemory
{
    public static long Bytes() => GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>What the machine has given to the process.</summary>
    public static long Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return File.ReadLines("/proc/self/status").Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024).Single();
    }

    /// <summary>No more than <paramref name="most"/> is held, now or when it has settled.</summary>
    public static async Task AssertSettlesAsync(Func<long> look, long most)
    {
        var held = look();
        for (var left = 50; left > 0 && held > most; left--)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            held = Math.Min(held, look());
        }
        Assert.InRange(held, 0, most);
    }
}

/// <summary>Tests that look at the whole process run when nothing else does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
