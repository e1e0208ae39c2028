using System.Buffers.Binary;

namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// The public keys that verify the most, each with its <see cref="KnownKey"/>. A place is kept by the key that uses it more often than the others that fall on it, so that
/// nobody fills the memory with keys that are used once: 64 places, 74 KiB each.
/// </summary>
internal static class KnownKeys
{
    /// <summary>Signatures after which a key gets its table, which costs as much as about fifteen of them.</summary>
    public const int Worthwhile = 32;

    private const int MostUses = 1024;
    private static readonly Place?[] Places = new Place?[64];

    /// <summary>True when the signature surely verifies. False says nothing.</summary>
    public static bool Confirm(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (Volatile.Read(ref PlaceOf(publicKey)) is not { Known: { } known } place || !place.IsOf(publicKey) || !known.Confirms(message, signature))
        {
            return false;
        }
        place.Use(1);
        return true;
    }

    /// <summary>Counts a signature that libsodium has verified under the key.</summary>
    public static void Count(ReadOnlySpan<byte> publicKey)
    {
        if (!KnownKey.IsSupported)
        {
            return;
        }
        ref var own = ref PlaceOf(publicKey);
        var place = Volatile.Read(ref own);
        if (place is null || (!place.IsOf(publicKey) && place.Use(-1) <= 0))
        {
            Volatile.Write(ref own, new Place(publicKey.ToArray()));
        }
        else if (place.IsOf(publicKey) && place.Use(1) >= Worthwhile && place.Known is null)
        {
            place.Known = KnownKey.Of(publicKey);
        }
    }

    private static ref Place? PlaceOf(ReadOnlySpan<byte> publicKey) => ref Places[BinaryPrimitives.ReadUInt32LittleEndian(publicKey) % Places.Length];

    /// <summary>Who has a place. Threads may lose a count to one another: it is a measure, not a sum.</summary>
    private sealed class Place(byte[] publicKey)
    {
        private int _uses = 1;

        public KnownKey? Known { get; set; }

        public bool IsOf(ReadOnlySpan<byte> other) => other.SequenceEqual(publicKey);

        public int Use(int count) => _uses = Math.Min(_uses + count, MostUses);
    }
}
