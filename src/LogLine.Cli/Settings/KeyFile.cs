using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Settings;

/// <summary>
/// An Ed25519 private key as other tools write it: PKCS #8 in PEM (RFC 8410), which <c>openssl pkey</c> reads too. Mode 0600.
/// </summary>
internal static class KeyFile
{
    private const string Label = "PRIVATE KEY";
    private const int MaxBytes = 4096;

    // SEQUENCE { 0, SEQUENCE { id-Ed25519 }, OCTET STRING { OCTET STRING seed } }
    private static ReadOnlySpan<byte> Header => [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    /// <summary>Reads a key that nobody else can read.</summary>
    public static Attempt<SigningKey> Read(string file)
    {
        try
        {
            if (!File.Exists(file))
            {
                return new CommandFailure("key", $"The key file {file} is missing.", "Run 'logline init', or bring the file back from a copy.");
            }
            if (!HomeFolder.IsPrivate(file))
            {
                return new CommandFailure("key", $"The key file {file} can be read by others.", $"chmod 600 {file}");
            }
            if (new FileInfo(file).Length <= MaxBytes && TryParse(File.ReadAllText(file), out var key))
            {
                return key;
            }
            return new CommandFailure("key", $"{file} is not an Ed25519 private key (PKCS #8, PEM).", "Bring it back from a copy, or make another with 'logline init --force'.");
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            return CommandFailure.File(file, defect);
        }
    }

    /// <summary>Reads the key, or makes one where there is no file.</summary>
    public static Attempt<SigningKey> ReadOrMake(string file)
    {
        if (File.Exists(file))
        {
            return Read(file);
        }
        var key = SigningKey.Generate();
        if (Write(file, key, overwrite: false) is not { } failure)
        {
            return key;
        }
        key.Dispose();
        return failure;
    }

    /// <summary>Writes a key.</summary>
    /// <param name="overwrite">False keeps a key that is there, and fails.</param>
    public static CommandFailure? Write(string file, SigningKey key, bool overwrite)
    {
        using var seed = key.ExportSeed();
        byte[] der = [.. Header, .. seed.Reveal()];
        var pem = PemEncoding.Write(Label, der);
        var text = Encoding.ASCII.GetBytes([.. pem, '\n']);
        try
        {
            HomeFolder.Write(file, text, overwrite);
            return null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            return CommandFailure.File(file, defect);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
            CryptographicOperations.ZeroMemory(text);
            Array.Clear(pem);
        }
    }

    private static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SigningKey? key)
    {
        key = null;
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] != Label || fields.DecodedDataLength != Header.Length + Ed25519.SeedSize)
        {
            return false;
        }
        Span<byte> der = stackalloc byte[Header.Length + Ed25519.SeedSize];
        if (!Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out var length) || length != der.Length || !der.StartsWith(Header))
        {
            return false;
        }
        key = SigningKey.FromSeed(der[Header.Length..]);
        CryptographicOperations.ZeroMemory(der);
        return true;
    }
}
