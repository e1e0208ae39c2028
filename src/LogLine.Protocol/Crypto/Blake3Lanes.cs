namespace LogLine.Protocol.Crypto;

/// <summary>Neighbouring nodes of one level, eight at a time where the machine can.</summary>
internal static class Blake3Lanes
{
    /// <summary>Nodes that are computed side by side.</summary>
    public const int Count = 8;

    /// <summary>The chaining values of the chunks of <paramref name="input"/>, the last of which may be short; the result is their number.</summary>
    public static int Chunks(Blake3Mode mode, ReadOnlySpan<byte> input, ulong chunk, Span<byte> output)
    {
        var count = 0;
        while (input.Length > 0)
        {
            var length = Math.Min(input.Length, Blake3Tree.ChunkSize);
            Blake3Chain.Run(mode, input[..length], chunk + (ulong)count, Blake3Flags.Chunk, output[(count * Blake3Tree.ValueSize)..]);
            input = input[length..];
            count++;
        }
        return count;
    }

    /// <summary>
    /// Joins each pair of <paramref name="values"/> into its parent; one without a neighbour rises as it is. The result is the number of values left.
    /// The output may be the beginning of the input.
    /// </summary>
    public static int Parents(Blake3Mode mode, ReadOnlySpan<byte> values, Span<byte> output)
    {
        var count = 0;
        while (values.Length >= Blake3Chain.BlockSize)
        {
            Blake3Chain.Run(mode, values[..Blake3Chain.BlockSize], 0, Blake3Flags.Parent, output[(count * Blake3Tree.ValueSize)..]);
            values = values[Blake3Chain.BlockSize..];
            count++;
        }
        if (values.Length > 0)
        {
            values.CopyTo(output[(count * Blake3Tree.ValueSize)..]);
            count++;
        }
        return count;
    }
}
