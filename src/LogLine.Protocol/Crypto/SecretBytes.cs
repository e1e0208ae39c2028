using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// Bytes that nobody may see: they do not print, do not serialise, compare in constant time and are wiped when disposed.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private bool _wiped;

    private SecretBytes(byte[] pinned) => _bytes = pinned;

    /// <summary>Number of bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>Copies <paramref name="source"/> into pinned memory that the collector neither moves nor leaves behind.</summary>
    public static SecretBytes Copy(ReadOnlySpan<byte> source)
    {
        var pinned = GC.AllocateUninitializedArray<byte>(source.Length, pinned: true);
        source.CopyTo(pinned);
        return new SecretBytes(pinned);
    }

    /// <summary><paramref name="length"/> bytes from the operating system's generator.</summary>
    public static SecretBytes Random(int length)
    {
        var pinned = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        RandomNumberGenerator.Fill(pinned);
        return new SecretBytes(pinned);
    }

    /// <summary>The bytes themselves, for the one call that needs them. Do not keep or copy.</summary>
    /// <exception cref="ObjectDisposedException">They are wiped: what is left is a key of zeros, and nothing may be signed or sealed with that.</exception>
    public ReadOnlySpan<byte> Reveal()
    {
        ObjectDisposedException.ThrowIf(_wiped, this);
        return _bytes;
    }

    /// <summary>Compares in time that depends on the length alone.</summary>
    /// <exception cref="ObjectDisposedException">They are wiped.</exception>
    public bool FixedTimeEquals(ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(Reveal(), other);

    /// <summary>Never the content.</summary>
    public override string ToString() => "«secret»";

    /// <summary>Overwrites the bytes with zeros.</summary>
    public void Dispose()
    {
        _wiped = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }
}
