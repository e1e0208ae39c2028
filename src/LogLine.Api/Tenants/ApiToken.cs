using System.Security.Cryptography;
using System.Text;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Tenants;

/// <summary>A new API token: shown once, kept as its hash.</summary>
/// <param name="Value">What the client sends: <c>ll_</c> and 64 hex characters, 256 random bits.</param>
/// <param name="Row">What is kept.</param>
public sealed record ApiToken(string Value, TokenRow Row)
{
    /// <summary>Makes a token.</summary>
    public static ApiToken Create(string tokenId, string tenant, IReadOnlyList<string> scopes, string env, DateTimeOffset? expiresAt = null)
    {
        var value = "ll_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        return new ApiToken(value, new TokenRow(tokenId, tenant, Blake3.Hash(Encoding.UTF8.GetBytes(value)), scopes, env, expiresAt, null));
    }

    /// <summary>A new id, <c>tok_</c> and 16 hex characters. It is public: the principal of ledger entries.</summary>
    public static string NewId() => "tok_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Never the token.</summary>
    public override string ToString() => $"token {Row.TokenId}";
}
