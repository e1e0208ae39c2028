using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>A public key and where the trust in it comes from; never from the manifest itself.</summary>
internal sealed record ProvenanceKey(byte[] PublicKey, string Origin)
{
    private const int PageSize = 1000;
    private const int MaxPages = 20;

    /// <summary>The key that is given, else this profile's own, else, online, the one that the tenant's ledger has for the kid.</summary>
    public static async Task<Outcome<ProvenanceKey>> FindAsync(Call call, SignedManifest manifest, string? given, bool online)
    {
        if (given is not null)
        {
            return DomainSignature.TryDecodePublicKey(given, out var key)
                ? new ProvenanceKey(key, "the key given")
                : Failure.Usage($"'{given}' is no public key: 64 hex characters, or the base64 of 32 bytes.");
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
            return new Failure("key", $"'{manifest.Kid}' is not the key of profile '{connection.ProfileName}', so the signature was not verified.",
                "Add --online to ask the gateway for it, or --key.");
        }
        return await AskAsync(call, connection, manifest.Kid ?? "");
    }

    /// <summary>Folds the tenant's wallet spans in order: registered, rotated, revoked.</summary>
    private static async Task<Outcome<ProvenanceKey>> AskAsync(Call call, Connection connection, string kid)
    {
        if (connection.Tenant().Fails(out var failure, out var tenant) || GatewayClient.Open(connection, call.Shell, call.Note).Fails(out failure, out var gateway))
        {
            return failure;
        }
        using var opened = gateway;
        string? pub = null;
        string? ended = null;
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var query = SpanQuery.Of(Identifiers.WalletSubject(tenant), "wallet.key.*", cursor, PageSize);
            if ((await gateway.QueryAsync("/v1/spans/query", query, call.Stop)).Fails(out failure, out var answer))
            {
                return failure;
            }
            foreach (var span in answer.Items("items"))
            {
                var payload = span.Member("payload");
                (pub, ended) = (span.Text("intent"), payload.Text("kid"), payload.Text("new_kid"), payload.Text("old_kid")) switch
                {
                    ("wallet.key.register", { } named, _, _) when named == kid => (payload.Text("pub"), ended),
                    ("wallet.key.rotate", _, { } named, _) when named == kid => (payload.Text("new_pub"), ended),
                    ("wallet.key.rotate", _, _, { } named) when named == kid => (pub, "retired"),
                    ("wallet.key.revoke", { } named, _, _) when named == kid => (pub, "revoked"),
                    _ => (pub, ended),
                };
            }
            cursor = answer.Member("cursor") is { ValueKind: JsonValueKind.String or JsonValueKind.Number } next ? next.ToString() : null;
            if (cursor is null)
            {
                break;
            }
        }
        if (ended is not null)
        {
            call.Note($"The key '{kid}' is {ended}: the gateway takes nothing new that it signs.");
        }
        return DomainSignature.TryDecodePublicKey(pub, out var key)
            ? new ProvenanceKey(key, $"registered by tenant {tenant}")
            : new Failure("key", $"Tenant {tenant} has no key '{kid}'.", "The manifest was signed with a key that nobody registered.");
    }
}
