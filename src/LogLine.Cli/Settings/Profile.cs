namespace LogLine.Cli.Settings;

/// <summary>What one entry of config.json holds: where, as whom, with which key. Every part may be missing.</summary>
internal sealed record Profile
{
    /// <summary>The profile that is used when none is named.</summary>
    public const string DefaultName = "default";

    /// <summary>The gateway.</summary>
    public string? BaseUrl { get; init; }

    /// <summary>The token's tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>The API token.</summary>
    public SecretToken? ApiKey { get; init; }

    /// <summary>Id of the key in the tenant's registry; written only once the gateway has it.</summary>
    public string? Kid { get; init; }

    /// <summary>File of the private key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>dev, stg or prd.</summary>
    public string? Env { get; init; }

    /// <summary>The log's public key, 64 hex characters: what receipts are verified with.</summary>
    public string? ServerPublicKey { get; init; }
}
