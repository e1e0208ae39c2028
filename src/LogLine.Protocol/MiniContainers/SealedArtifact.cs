using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.MiniContainers;

/// <summary>A key that artifacts are sealed to: a runner's id and its X25519 public key of 32 bytes (<c>/v1/keys</c>, use <c>runner</c>).</summary>
public sealed record RunnerKey(string Kid, byte[] PublicKey);

/// <summary>
/// A secret that only runners can open (contract, section 6): a 24-byte nonce, then XChaCha20-Poly1305 ciphertext and tag under a data key, which is
/// sealed to each runner in <c>wraps</c>. The associated data binds it to its id, type, tenant and owner, so that nobody can pass it off as theirs.
/// </summary>
public static class SealedArtifact
{
    /// <summary>Value of <c>enc</c>.</summary>
    public const string Encryption = "xchacha20";

    /// <summary>The longest secret: 1 MiB.</summary>
    public const int MaxSecretBytes = 1 << 20;

    /// <summary>Seals a secret.</summary>
    /// <returns>The artifact's bytes, and the member that goes into the manifest's <c>artifacts</c>: <c>{id, type, hash, enc, wraps}</c>.</returns>
    public static (byte[] Bytes, CanonicalJson Artifact) Seal(ReadOnlySpan<byte> secret, ArtifactOwner owner, IReadOnlyList<RunnerKey> runners)
    {
        using var key = SecretBytes.Random(XChaCha20Poly1305.KeySize);
        var nonce = RandomNumberGenerator.GetBytes(XChaCha20Poly1305.NonceSize);
        byte[] bytes = [.. nonce, .. XChaCha20Poly1305.Encrypt(key.Reveal(), nonce, secret, owner.AssociatedData())];
        var wraps = runners.Select(runner => (runner.Kid, Wrapped: SealedBox.Seal(runner.PublicKey, key.Reveal()))).ToList();
        return (bytes, CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            json.WriteString("enc", Encryption);
            json.WriteString("hash", ContentHash.Of(bytes));
            json.WriteString("id", owner.ArtifactId);
            json.WriteString("type", owner.Type);
            json.WriteStartArray("wraps");
            foreach (var (kid, wrapped) in wraps)
            {
                json.WriteStartObject();
                json.WriteString("kid", kid);
                json.WriteString("wrapped", Convert.ToBase64String(wrapped));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }));
    }

    /// <summary>Opens an artifact, or says why it cannot be.</summary>
    /// <param name="artifact">The manifest's member.</param>
    /// <param name="bytes">What lies under its hash.</param>
    /// <param name="owner">Whose it has to be.</param>
    /// <param name="kid">The runner's id.</param>
    /// <param name="key">The runner's key.</param>
    /// <param name="secret">The secret; the caller wipes it.</param>
    /// <param name="problem">Why not; it never holds a part of the secret.</param>
    public static bool TryOpen(
        JsonElement artifact, ReadOnlySpan<byte> bytes, ArtifactOwner owner, string kid, BoxKey key,
        [NotNullWhen(true)] out SecretBytes? secret, [NotNullWhen(false)] out string? problem)
    {
        secret = null;
        var wrapped = artifact.Items("wraps").FirstOrDefault(wrap => wrap.Text("kid") == kid).Text("wrapped");
        if (wrapped is null)
        {
            problem = $"it is not sealed to this runner ({kid})";
            return false;
        }
        if (ContentHash.Of(bytes) != artifact.Text("hash"))
        {
            problem = "its bytes have another hash";
            return false;
        }
        var box = new byte[wrapped.Length];
        if (!Convert.TryFromBase64String(wrapped, box, out var length) || !key.TryOpen(box.AsSpan(0, length), out var dataKey))
        {
            problem = $"its data key does not open with the key of this runner ({kid})";
            return false;
        }
        try
        {
            if (bytes.Length < XChaCha20Poly1305.NonceSize + XChaCha20Poly1305.TagSize || dataKey.Length != XChaCha20Poly1305.KeySize
                || !XChaCha20Poly1305.TryDecrypt(dataKey, bytes[..XChaCha20Poly1305.NonceSize], bytes[XChaCha20Poly1305.NonceSize..], owner.AssociatedData(), out var opened))
            {
                problem = "it does not open as this tenant's and this owner's: it was sealed for another one, or changed";
                return false;
            }
            secret = SecretBytes.Copy(opened);
            CryptographicOperations.ZeroMemory(opened);
            problem = null;
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }
}

/// <summary>What a sealed artifact is bound to.</summary>
/// <param name="ArtifactId">Its id in the manifest.</param>
/// <param name="Type">Its type.</param>
/// <param name="Tenant">The tenant in which it may be opened.</param>
/// <param name="OwnerKid">The key whose grants may open it.</param>
public sealed record ArtifactOwner(string ArtifactId, string Type, string Tenant, string OwnerKid)
{
    /// <summary>Canonical <c>{artifact_id, owner_kid, tenant, type, v:1}</c>.</summary>
    internal ReadOnlySpan<byte> AssociatedData() => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("artifact_id", ArtifactId);
        json.WriteString("owner_kid", OwnerKid);
        json.WriteString("tenant", Tenant);
        json.WriteString("type", Type);
        json.WriteNumber("v", 1);
        json.WriteEndObject();
    }).Utf8.Span;
}
