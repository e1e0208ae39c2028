using System.Security.Cryptography;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Secrets;

/// <summary>
/// A runner's own key: artifacts are sealed to its public half, and only the worker that has the private one opens them (contract, section 6). The seed lies
/// in <c>runner.key</c>, hex, mode 0600; a gateway without a worker has none.
/// </summary>
public sealed class RunnerKeys : IDisposable
{
    private readonly SecretBytes _digestKey;

    private RunnerKeys(BoxKey key, SecretBytes digestKey) => (Key, _digestKey) = (key, digestKey);

    /// <summary>Opens what is sealed to this runner.</summary>
    public BoxKey Key { get; }

    /// <summary>Id of the key: <c>runner_</c> and 16 hex characters of its public half.</summary>
    public string Kid => "runner_" + PublicKeyHex[..16];

    /// <summary>The X25519 public key, hex.</summary>
    public string PublicKeyHex => Convert.ToHexStringLower(Key.PublicKey);

    /// <summary>What others seal to.</summary>
    public RunnerKey Public => new(Kid, Key.PublicKey.ToArray());

    /// <summary>Reads the key; makes one where there is none.</summary>
    /// <exception cref="DataFolderException">The file is damaged.</exception>
    public static RunnerKeys Open(string folder)
    {
        var path = Path.Combine(folder, "runner.key");
        if (!File.Exists(path))
        {
            using var fresh = SecretBytes.Random(32);
            PrivateFile.Write(path, Convert.ToHexStringLower(fresh.Reveal()) + "\n");
        }
        var seed = PrivateFile.ReadSeed(path);
        try
        {
            var derived = new byte[Blake3.HashSize];
            Blake3.KeyedHash(seed, "logline:grant-digest:v1"u8, derived);
            var digestKey = SecretBytes.Copy(derived);
            CryptographicOperations.ZeroMemory(derived);
            return new RunnerKeys(BoxKey.FromSeed(seed), digestKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>A keyed hash of a secret, hex: says that two materialisations had the same value, and nothing to whoever lacks the runner's key.</summary>
    public string DigestOf(SecretBytes secret)
    {
        Span<byte> digest = stackalloc byte[Blake3.HashSize];
        Blake3.KeyedHash(_digestKey.Reveal(), secret.Reveal(), digest);
        return Convert.ToHexStringLower(digest);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Key.Dispose();
        _digestKey.Dispose();
    }
}
