using System.Reflection;
using System.Runtime.InteropServices;

namespace LogLine.Protocol.Crypto;

/// <summary>
/// The one place that calls libsodium. It stands where NSec.Cryptography would, which wraps the same library
/// (docs/dependencies.md). Every other file uses <see cref="SigningKey"/>, <see cref="Ed25519"/>, <see cref="SealedBox"/>
/// and <see cref="XChaCha20Poly1305"/>.
/// </summary>
internal static unsafe partial class Sodium
{
    private const string Library = "libsodium";

    static Sodium() => NativeLibrary.SetDllImportResolver(typeof(Sodium).Assembly, Resolve);

    // The library starts here and not in the static constructor, whose exceptions reach the caller wrapped, without their text.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
        {
            return 0;
        }
        foreach (var candidate in (ReadOnlySpan<string>)["libsodium.so.26", "libsodium.so.23", "libsodium.so", "libsodium.dylib", "libsodium"])
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
            {
                return Start(handle);
            }
        }
        throw new DllNotFoundException(
            "libsodium is missing. Install it: 'apt-get install libsodium23' on Debian and Ubuntu, 'brew install libsodium' on macOS.");
    }

    private static nint Start(nint library)
    {
        var init = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "sodium_init");
        return init() >= 0 ? library : throw new DllNotFoundException("libsodium was found but could not start (sodium_init failed).");
    }

    [LibraryImport(Library)]
    internal static partial int crypto_sign_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_detached(byte* signature, ulong* signatureLength, byte* message, ulong length, byte* secretKey);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_verify_detached(byte* signature, byte* message, ulong length, byte* publicKey);

    [LibraryImport(Library)]
    internal static partial int crypto_box_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Library)]
    internal static partial int crypto_box_seal(byte* cipher, byte* message, ulong length, byte* publicKey);

    [LibraryImport(Library)]
    internal static partial int crypto_box_seal_open(byte* message, byte* cipher, ulong length, byte* publicKey, byte* secretKey);

    [LibraryImport(Library)]
    internal static partial int crypto_aead_xchacha20poly1305_ietf_encrypt(
        byte* cipher, ulong* cipherLength, byte* message, ulong length, byte* associated, ulong associatedLength, byte* secretNonce, byte* nonce, byte* key);

    [LibraryImport(Library)]
    internal static partial int crypto_aead_xchacha20poly1305_ietf_decrypt(
        byte* message, ulong* messageLength, byte* secretNonce, byte* cipher, ulong length, byte* associated, ulong associatedLength, byte* nonce, byte* key);
}
