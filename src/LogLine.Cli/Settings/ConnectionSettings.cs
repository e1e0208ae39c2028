using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Settings;

/// <summary>What flags say about the connection; null where they are silent.</summary>
internal sealed record ConnectionFlags(string? Profile, string? Url, string? Token, string? Tenant, string? Env);

/// <summary>
/// What is in force for one call: flags before environment (<c>LOGLINE_URL</c>, <c>LOGLINE_TOKEN</c>, <c>LOGLINE_TENANT</c>,
/// <c>LOGLINE_PROFILE</c>) before the profile. Offline commands need none of it.
/// </summary>
internal sealed record ConnectionSettings
{
    /// <summary>Name of the profile.</summary>
    public required string ProfileName { get; init; }

    /// <summary>Whether config.json has that profile.</summary>
    public required bool Exists { get; init; }

    /// <summary>The profile with flags and environment laid over it.</summary>
    public required Profile Profile { get; init; }

    /// <summary>Puts the sources together. A profile that is named and does not exist is a failure, unless it is about to be made.</summary>
    public static Attempt<ConnectionSettings> Resolve(HomeFolder home, ConnectionFlags flags, Func<string, string?> variable, bool making = false)
    {
        var named = flags.Profile ?? Set(variable("LOGLINE_PROFILE"));
        var name = named ?? Profile.DefaultName;
        if (!Identifiers.IsName(name))
        {
            return CommandFailure.Usage($"'{name}' is no name for a profile: lower-case letters, digits, '-' and '_', at most 63.");
        }
        if (ProfileStore.Read(home).Fails(out var failure, out var profiles))
        {
            return failure;
        }
        var exists = profiles.TryGetValue(name, out var stored);
        if (!exists && named is not null && !making)
        {
            return new CommandFailure("settings", $"There is no profile '{name}' in {home.ConfigFile}{Others(profiles)}.", $"logline init --profile {name} --bootstrap data/bootstrap.json");
        }
        stored ??= new Profile();
        var token = flags.Token ?? Set(variable("LOGLINE_TOKEN"));
        return new ConnectionSettings
        {
            ProfileName = name,
            Exists = exists,
            Profile = stored with
            {
                BaseUrl = flags.Url ?? Set(variable("LOGLINE_URL")) ?? stored.BaseUrl,
                ApiKey = token is not null ? new SecretToken(token) : stored.ApiKey,
                Tenant = flags.Tenant ?? Set(variable("LOGLINE_TENANT")) ?? stored.Tenant,
                Env = flags.Env ?? stored.Env,
            },
        };
    }

    /// <summary>The tenant.</summary>
    public Attempt<string> Tenant() => Profile.Tenant is not { } tenant
        ? new CommandFailure("settings", "It is not known which tenant this is for.", "Add --tenant, set LOGLINE_TENANT, or run 'logline init'.")
        : Identifiers.IsTenant(tenant)
            ? tenant
            : CommandFailure.Usage($"'{tenant}' is no tenant: 2 to 63 of a-z, 0-9, '_' and '-', beginning with a letter or digit.");

    /// <summary>The key that spans, manifests and proofs are signed with.</summary>
    public Attempt<ProfileSigner> Signer()
    {
        if (Profile.Kid is not { } kid || Profile.KeyFile is not { } file)
        {
            return new CommandFailure("key", $"The profile '{ProfileName}' has no registered key.", "Run 'logline init': it makes one and registers it.");
        }
        return Settings.KeyFile.Read(file).Fails(out var failure, out var key) ? failure : new ProfileSigner(kid, key);
    }

    /// <summary>The public log key that receipts are verified with: 32 bytes.</summary>
    public Attempt<byte[]> LogKey(string? given)
    {
        var text = given ?? Profile.ServerPublicKey;
        if (text is null)
        {
            return new CommandFailure("settings", $"No log key: the profile '{ProfileName}' has none pinned.", "Give it with --key (64 hex characters), or run 'logline init' against the gateway.");
        }
        return DomainSignature.TryDecodePublicKey(text, out var key)
            ? key
            : CommandFailure.Usage($"'{text}' is no public key: 64 hex characters, or the base64 of 32 bytes.");
    }

    private static string? Set(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static string Others(Dictionary<string, Profile> profiles) =>
        profiles.Count == 0 ? "" : $" (there are: {string.Join(", ", profiles.Keys.Order(StringComparer.Ordinal))})";
}

/// <summary>A private key and the id under which the tenant's registry has its public half.</summary>
internal sealed record ProfileSigner(string Kid, SigningKey Key) : IDisposable
{
    public void Dispose() => Key.Dispose();
}
