// BLAKE3, hash and keyed hash with 32 bytes of output, after "BLAKE3: one function, fast everywhere"
// (O'Connor, Aumasson, Neves, Wilcox-O'Hearn; section numbers below are the paper's).
//
// It stands where the NuGet package Blake3 (xoofx/Blake3.NET) would, which the package feed does not carry:
// docs/dependencies.md. The package has Hasher.Hash, Hasher.Update and Hasher.Finalize for what is here, so that it could
// take the place of the three files Blake3*.cs behind these same signatures.
//
// How it works (section 2): the input is cut into chunks of 1024 bytes, the last may be shorter. A chunk is a chain of
// 64-byte blocks. Chunks are the leaves of a binary tree in which every left subtree is full and as large as it can be;
// a parent is one block, made of the chaining values of its two children. The root alone carries the flag ROOT, which is
// why the last node of a stream can be finished only when the stream has ended.
//
//   Blake3.cs       the tree, in one call and as a stream
//   Blake3Chain.cs  one chain of blocks: portable and on four-lane vectors
//   Blake3Lanes.cs  eight chains side by side on eight-lane vectors

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto;

/// <summary>BLAKE3 with 32 bytes of output, of bytes that are all in memory. For a stream see <see cref="Blake3Hasher"/>.</summary>
public static class Blake3
{
    /// <summary>Bytes in a hash.</summary>
    public const int HashSize = 32;

    /// <summary>Bytes in the key of a keyed hash.</summary>
    public const int KeySize = 32;

    /// <summary>Writes the hash of <paramref name="data"/> to the first 32 bytes of <paramref name="destination"/>. Allocates nothing in an optimised build.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than 32 bytes.</exception>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> destination) =>
        Blake3Tree.Root(Blake3Mode.Hash, data, destination[..HashSize]);

    /// <summary>The hash of <paramref name="data"/>, 32 bytes.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> data)
    {
        var hash = new byte[HashSize];
        Hash(data, hash);
        return hash;
    }

    /// <summary>The hash of <paramref name="data"/> as 64 lower-case hex characters.</summary>
    public static string HashHex(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[HashSize];
        Hash(data, hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>
    /// Writes the keyed hash (section 2.3: a MAC and a PRF) of <paramref name="data"/> to the first 32 bytes of <paramref name="destination"/>.
    /// Compare it in constant time.
    /// </summary>
    /// <exception cref="ArgumentException">The key is not 32 bytes long.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than 32 bytes.</exception>
    public static void KeyedHash(ReadOnlySpan<byte> key32, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        if (key32.Length != KeySize)
        {
            throw new ArgumentException($"A BLAKE3 key has {KeySize} bytes, this one has {key32.Length}.", nameof(key32));
        }
        Span<uint> key = stackalloc uint[KeySize / sizeof(uint)];
        for (var i = 0; i < key.Length; i++)
        {
            key[i] = BinaryPrimitives.ReadUInt32LittleEndian(key32[(4 * i)..]);
        }
        try
        {
            Blake3Tree.Root(Blake3Mode.Keyed(key), data, destination[..HashSize]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(key));
        }
    }
}

/// <summary>The tree over the chunks (section 2.1). Chaining values are 32 bytes each, side by side, so that two of them are a parent's block.</summary>
internal static class Blake3Tree
{
    public const int ChunkSize = 1024;
    public const int ValueSize = 32;

    /// <summary>The hash of the whole input.</summary>
    public static void Root(Blake3Mode mode, ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (input.Length <= ChunkSize)
        {
            Blake3Chain.Run(mode, input, 0, Blake3Flags.Chunk.Root, output);
        }
        else
        {
            RootOfMany(mode, input, output);
        }
    }

    // Apart, so that a single chunk pays nothing for the stack of a tree.
    private static void RootOfMany(Blake3Mode mode, ReadOnlySpan<byte> input, Span<byte> output)
    {
        Span<byte> pair = stackalloc byte[Blake3Lanes.Count * ValueSize];
        var count = Values(mode, input, 0, pair);
        Join(mode, pair, count, 2);
        Blake3Chain.Run(mode, pair[..Blake3Chain.BlockSize], 0, Blake3Flags.Parent.Root, output);
    }

    /// <summary>The chaining value of a full subtree that starts at chunk number <paramref name="chunk"/> and is not the root.</summary>
    public static void Subtree(Blake3Mode mode, ReadOnlySpan<byte> input, ulong chunk, Span<byte> output)
    {
        Span<byte> values = stackalloc byte[Blake3Lanes.Count * ValueSize];
        var count = Values(mode, input, chunk, values);
        Join(mode, values, count, 1);
        values[..ValueSize].CopyTo(output);
    }

    /// <summary>
    /// The values of the topmost level that has no more nodes than there are lanes, into <paramref name="output"/>; the result is their number, two or
    /// more where there are two chunks. To stop short of one value keeps the lanes full on the way up.
    /// </summary>
    private static int Values(Blake3Mode mode, ReadOnlySpan<byte> input, ulong chunk, Span<byte> output)
    {
        if (input.Length <= Blake3Lanes.Count * ChunkSize)
        {
            return Blake3Lanes.Chunks(mode, input, chunk, output);
        }
        Span<byte> both = stackalloc byte[2 * Blake3Lanes.Count * ValueSize];
        var left = (int)(BitOperations.RoundUpToPowerOf2((uint)input.Length) / 2);
        var count = Values(mode, input[..left], chunk, both);
        count += Values(mode, input[left..], chunk + (ulong)(left / ChunkSize), both[(count * ValueSize)..]);
        return Blake3Lanes.Parents(mode, both[..(count * ValueSize)], output);
    }

    /// <summary>Joins neighbours, level by level, until <paramref name="wanted"/> are left, one or two.</summary>
    private static void Join(Blake3Mode mode, Span<byte> values, int count, int wanted)
    {
        while (count > wanted)
        {
            count = Blake3Lanes.Parents(mode, values[..(count * ValueSize)], values);
        }
    }
}

/// <summary>
/// BLAKE3 of a stream of any length, in about 3 KiB of memory. Not for two threads at once.
/// </summary>
public sealed class Blake3Hasher
{
    /// <summary>The stack holds one chaining value for each 1 in the number of chunks, and a stream has at most 2^54 of them (2^64 bytes).</summary>
    private const int MaxDepth = 54;

    private readonly byte[] _stack = new byte[MaxDepth * Blake3Tree.ValueSize];
    private readonly byte[] _chunk = new byte[Blake3Tree.ChunkSize];
    private int _buffered;
    private ulong _chunks;

    /// <summary>Appends <paramref name="data"/> to what is hashed.</summary>
    public void Update(ReadOnlySpan<byte> data)
    {
        // The last chunk stays in the buffer, full or not, for it may be the root.
        while (data.Length > 0)
        {
            if (_buffered == Blake3Tree.ChunkSize)
            {
                Append(_chunk);
                _buffered = 0;
            }
            ReadOnlySpan<byte> next;
            if (_buffered == 0 && data.Length > Blake3Tree.ChunkSize)
            {
                next = data[..LargestSubtree(data.Length)];
                Append(next);
            }
            else
            {
                next = data[..Math.Min(data.Length, Blake3Tree.ChunkSize - _buffered)];
                next.CopyTo(_chunk.AsSpan(_buffered));
                _buffered += next.Length;
            }
            data = data[next.Length..];
        }
    }

    /// <summary>
    /// Writes the hash of all that was appended so far to the first 32 bytes of <paramref name="destination"/>. Changes nothing:
    /// more may be appended, and then it is the hash of the longer stream.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter than 32 bytes.</exception>
    public void Finish(Span<byte> destination)
    {
        destination = destination[..Blake3.HashSize];
        var last = _chunk.AsSpan(0, _buffered);
        var depth = BitOperations.PopCount(_chunks);
        if (depth == 0)
        {
            Blake3Chain.Run(Blake3Mode.Hash, last, 0, Blake3Flags.Chunk.Root, destination);
            return;
        }
        Span<byte> pair = stackalloc byte[2 * Blake3Tree.ValueSize];
        var right = pair[Blake3Tree.ValueSize..];
        Blake3Chain.Run(Blake3Mode.Hash, last, _chunks, Blake3Flags.Chunk, right);
        while (--depth > 0)
        {
            Value(depth).CopyTo(pair);
            Blake3Chain.Run(Blake3Mode.Hash, pair, 0, Blake3Flags.Parent, right);
        }
        Value(0).CopyTo(pair);
        Blake3Chain.Run(Blake3Mode.Hash, pair, 0, Blake3Flags.Parent.Root, destination);
    }

    /// <summary>Forgets what was appended, to hash another stream.</summary>
    public void Reset()
    {
        _buffered = 0;
        _chunks = 0;
        CryptographicOperations.ZeroMemory(_chunk);
        CryptographicOperations.ZeroMemory(_stack);
    }

    /// <summary>Bytes of the largest full subtree that may follow here and leaves at least one byte of <paramref name="length"/> for the last chunk.</summary>
    private int LargestSubtree(int length)
    {
        var fits = BitOperations.RoundUpToPowerOf2((uint)length) / 2;
        // The count of chunks so far says where the subtree may stand: at a multiple of its own size.
        var aligned = _chunks == 0 ? ulong.MaxValue : (1UL << BitOperations.TrailingZeroCount(_chunks)) * Blake3Tree.ChunkSize;
        return (int)Math.Min(fits, aligned);
    }

    /// <summary>Puts a full subtree on the stack and joins every pair of equal height (section 5.1.2).</summary>
    private void Append(ReadOnlySpan<byte> subtree)
    {
        var depth = BitOperations.PopCount(_chunks);
        Blake3Tree.Subtree(Blake3Mode.Hash, subtree, _chunks, Value(depth));
        var height = (ulong)subtree.Length / Blake3Tree.ChunkSize;
        while ((_chunks & height) != 0)
        {
            depth--;
            var pair = _stack.AsSpan(depth * Blake3Tree.ValueSize, 2 * Blake3Tree.ValueSize);
            Blake3Chain.Run(Blake3Mode.Hash, pair, 0, Blake3Flags.Parent, pair);
            _chunks -= height;
            height *= 2;
        }
        _chunks += height;
    }

    private Span<byte> Value(int depth) => _stack.AsSpan(depth * Blake3Tree.ValueSize, Blake3Tree.ValueSize);
}
