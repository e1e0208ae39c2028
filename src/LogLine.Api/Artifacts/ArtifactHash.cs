using System.Diagnostics.CodeAnalysis;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Artifacts;

/// <summary>The name of an artifact: <c>blake3:</c> and 64 lower-case hex characters, the hash of its bytes. Nothing else is ever part of a path.</summary>
public sealed record ArtifactHash
{
    private ArtifactHash(string hex) => Hex = hex;

    /// <summary>The 64 characters.</summary>
    public string Hex { get; }

    /// <summary>The name of what a hasher has seen.</summary>
    public static ArtifactHash Of(Blake3Hasher hasher)
    {
        Span<byte> hash = stackalloc byte[Blake3.HashSize];
        hasher.Finish(hash);
        return new ArtifactHash(Convert.ToHexStringLower(hash));
    }

    /// <summary>Reads the one spelling that there is.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ArtifactHash? hash)
    {
        hash = text is not null && text.Length == ContentHash.Prefix.Length + 64 && text.StartsWith(ContentHash.Prefix, StringComparison.Ordinal)
            && !text.AsSpan(ContentHash.Prefix.Length).ContainsAnyExcept("0123456789abcdef")
                ? new ArtifactHash(text[ContentHash.Prefix.Length..])
                : null;
        return hash is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => ContentHash.Prefix + Hex;
}
