using LogLine.Cli.Client;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>A public key and where the trust in it comes from; never from the manifest itself.</summary>
internal sealed record ProvenanceKey(byte[] PublicKey, string Origin)
{
    /// <summary>The key that is given, else this profile's own, else, online, the one that the tenant's ledger has for the kid.</summary>
    public static async Task<Attempt<ProvenanceKey>> FindAsync(Call call, SignedManifest manifest, string? given, bool online)
    {
        if (given is not null)
        {
            return DomainSignature.TryDecodePublicKey(given, out var key)
                ? new ProvenanceKey(key, "the key given")
                : CommandFailure.Usage($"'{given}' is no public key: 64 hex characters, or the base64 of 32 bytes.");
        }
        if (call.Connection().Fails(out var failure, out var connection))
        {
            return failure;
        }
        if (connection.Profile.Kid == manifest.Kid && connection.Profile.KeyFile is { } file)
        {
            if (KeyFile.Read(file).Fails(out failure, out var own))
            {
                return failure;
            }
            using (own)
            {
                return new ProvenanceKey(own.PublicKey.ToArray(), $"the key of profile '{connection.ProfileName}'");
            }
        }
        if (!online)
        {
            return new CommandFailure("key", $"'{manifest.Kid}' is not the key of profile '{connection.ProfileName}', so the signature was not verified.",
                "Add --online to ask the gateway for it, or --key.");
        }
        return await AskAsync(call, connection, manifest.Kid ?? "");
    }

    private static async Task<Attempt<ProvenanceKey>> AskAsync(Call call, ConnectionSettings connection, string kid)
    {
        if (GatewayClient.Open(connection, call.Shell, call.Note).Fails(out var failure, out var gateway))
        {
            return failure;
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/wallet/keys", call.Stop)).Fails(out failure, out var keys))
        {
            return failure;
        }
        var registered = keys.Items("items").FirstOrDefault(key => key.Text("kid") == kid);
        if (!DomainSignature.TryDecodePublicKey(registered.Text("pub"), out var pub))
        {
            return new CommandFailure("key", $"The tenant has no key '{kid}'.", "The manifest was signed with a key that nobody registered there.");
        }
        if (registered.Text("status") is not "active" and { } status)
        {
            call.Note($"The key '{kid}' is {status}: the gateway takes nothing new that it signs.");
        }
        return new ProvenanceKey(pub, "registered with the gateway");
    }
}
