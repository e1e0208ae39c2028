using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// SHA-256 of the short texts that the ledger hashes by the thousand: leaves, nodes, digests of rows. It is OpenSSL's, as .NET's is on Linux, but called without the object that EVP
/// makes for each hash, which takes longer than hashing a node (docs/decisions/019-sha-256-of-short-texts.md). Where that OpenSSL is not, and for long texts, it is <see cref="SHA256"/>.
/// </summary>
internal static unsafe class ShortSha256
{
    // The calls do not let the collector in, which is right for what takes a microsecond.
    private const int LongestBytes = 4096;

    // SHA256_CTX has 112 bytes (openssl/sha.h).
    private const int ContextBytes = 128;

    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, int> Init;
    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, void*, nuint, int> Update;
    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, void*, int> Final;
    private static readonly bool IsDirect;

    static ShortSha256()
    {
        if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libcrypto.so.3", out var library)
            && NativeLibrary.TryGetExport(library, "SHA256_Init", out var init) && NativeLibrary.TryGetExport(library, "SHA256_Update", out var update)
            && NativeLibrary.TryGetExport(library, "SHA256_Final", out var final))
        {
            Init = (delegate* unmanaged[SuppressGCTransition]<void*, int>)init;
            Update = (delegate* unmanaged[SuppressGCTransition]<void*, void*, nuint, int>)update;
            Final = (delegate* unmanaged[SuppressGCTransition]<void*, void*, int>)final;
            IsDirect = true;
        }
    }

    /// <summary>Writes the hash into the first 32 bytes of <paramref name="destination"/>, which may overlap <paramref name="text"/>.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public static void Hash(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        if (!IsDirect || text.Length > LongestBytes || destination.Length < SHA256.HashSizeInBytes)
        {
            SHA256.HashData(text, destination);
            return;
        }
        var context = stackalloc byte[ContextBytes];
        fixed (byte* input = text)
        fixed (byte* output = destination)
        {
            // They fail for no other reason than a context of another hash.
            _ = Init(context);
            _ = Update(context, input, (nuint)text.Length);
            _ = Final(output, context);
        }
    }
}
