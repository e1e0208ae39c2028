using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LogLine.Protocol.Json;

/// <summary>JSON that this program composes itself, as bytes. Each thread keeps one writer and its buffer, so that a small object costs its own bytes and no more.</summary>
public static class JsonBytes
{
    private const int MostKept = 64 * 1024;
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Scratch? _spare;

    /// <summary>What <paramref name="write"/> writes: one value.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write) => Compose(write, static (write, _, json) => write(json));

    /// <summary>What <paramref name="compose"/> puts together of finished pieces, which it writes into the buffer, and of values, behind which it flushes the writer.</summary>
    public static byte[] Compose<T>(T of, Action<T, IBufferWriter<byte>, Utf8JsonWriter> compose)
    {
        // One that is written while another is being written gets a writer of its own.
        var scratch = _spare ?? new Scratch();
        _spare = null;
        compose(of, scratch.Buffer, scratch.Writer);
        scratch.Writer.Flush();
        var bytes = scratch.Buffer.WrittenSpan.ToArray();
        scratch.Buffer.ResetWrittenCount();
        scratch.Writer.Reset();
        _spare = scratch.Buffer.Capacity <= MostKept ? scratch : null;
        return bytes;
    }

    private sealed class Scratch
    {
        public Scratch() => Writer = new Utf8JsonWriter(Buffer, Options);

        public ArrayBufferWriter<byte> Buffer { get; } = new(1024);

        public Utf8JsonWriter Writer { get; }
    }
}
