using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LogLine.Protocol.Schema;

/// <summary>
/// A fixed set of UTF-8 strings, each with its position. The first and last eight bytes and the length are all there is of a string
/// of up to sixteen bytes, so for most names a look-up compares two words and reads neither name again.
/// </summary>
internal sealed class Utf8Names
{
    private const int None = -1;

    // Each chain begins in the slot that its names hash to and goes on, if two names share it, after the slots.
    private readonly Entry[] entries;
    private readonly byte[][] names;
    private readonly int shift;

    public Utf8Names(IReadOnlyList<byte[]> names)
    {
        this.names = [.. names];
        HoldsBackslash = names.Any(n => n.Contains((byte)'\\'));
        var bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)names.Count + 1)) + 1;
        shift = 64 - bits;
        var slots = 1 << bits;
        entries = new Entry[slots + names.Count];
        Array.Fill(entries, new Entry { Position = None, Next = None });
        for (var i = 0; i < names.Count; i++)
        {
            var entry = new Entry { Start = StartOf(names[i]), End = EndOf(names[i]), Length = names[i].Length, Position = i, Next = None };
            ref var slot = ref entries[Slot(entry.Start, entry.End, entry.Length)];
            if (slot.Position != None)
            {
                (entry.Next, entries[slots + i]) = (slots + i, slot);
            }
            slot = entry;
        }
    }

    public int Count => names.Length;

    /// <summary>
    /// Whether any name has a backslash. Where none has, a name found in the raw text of a document has no escapes: nobody need look for them.
    /// </summary>
    public bool HoldsBackslash { get; }

    /// <summary>The position of the name, or −1.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        var (start, end) = (StartOf(name), EndOf(name));
        var index = Slot(start, end, name.Length);
        do
        {
            ref readonly var entry = ref entries[index];
            if (entry.Start == start && entry.End == end && entry.Length == name.Length && entry.Position >= 0
                && (name.Length <= 16 || name.SequenceEqual(names[entry.Position])))
                return entry.Position;
            index = entry.Next;
        }
        while (index >= 0);
        return None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(ulong start, ulong end, int length) =>
        (int)(((start * 0x9E3779B97F4A7C15 ^ end) + (uint)length) * 0xC2B2AE3D27D4EB4F >> shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong StartOf(ReadOnlySpan<byte> name)
    {
        if (name.Length >= 8)
            return MemoryMarshal.Read<ulong>(name);
        return name.Length >= 4 ? MemoryMarshal.Read<uint>(name) : 0;
    }

    // Of a name of less than eight bytes the two words overlap; together they still hold all of it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong EndOf(ReadOnlySpan<byte> name)
    {
        if (name.Length >= 8)
            return MemoryMarshal.Read<ulong>(name[^8..]);
        if (name.Length >= 4)
            return MemoryMarshal.Read<uint>(name[^4..]);
        return name.Length == 0 ? 0 : name[0] | (ulong)name[name.Length / 2] << 8 | (ulong)name[^1] << 16;
    }

    private struct Entry
    {
        public ulong Start;
        public ulong End;
        public int Length;
        public int Position;
        public int Next;
    }
}
