using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.MiniContainers;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Wallet;

/// <summary><c>logline wallet grant</c>: lets a runner open an artifact for a while; into a manifest, or onto the ledger.</summary>
internal static class GrantCommand
{
    private const string RunnerPrefix = "runner_";

    private static readonly string[] Providers = ["podman", "nerdctl", "docker", "kubernetes", "railway"];
    private static readonly SpanForm CreateForm = new("wallet.grant.create", "decision", "wallet/grant.v1");
    private static readonly SpanForm RevokeForm = new("wallet.grant.revoke", "decision", "wallet/grant_revocation.v1");

    /// <summary>The command, with <c>revoke</c> below it.</summary>
    public static Command Create(CommandTree tree)
    {
        var artifact = new Argument<string>("ARTIFACT_ID") { Description = "The artifact's id in the manifest." };
        var id = new Option<string?>("--id") { HelpName = "ID", Description = "The grant's id [grant_ and the artifact's id]." };
        var audience = new Option<string>("--aud") { HelpName = "AUD", Required = true, Description = "Who may open it: a provider (podman) or a runner's key." };
        var ttl = new Option<string>("--ttl") { HelpName = "TIME", DefaultValueFactory = _ => "P30D", Description = "How long: ISO 8601, such as P30D or PT12H." };
        var scope = new Option<string[]>("--scope") { HelpName = "SCOPE", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["runtime:read"], Description = "For what." };
        var manifest = new Option<string?>("--manifest") { HelpName = "FILE", Description = "Put the grant into this manifest instead of onto the ledger." };
        var create = tree.Leaf("create", "Let a runner open an artifact.",
            call => CreateAsync(call, new GrantRequest(call.Get(artifact), call.Get(id) ?? "grant_" + call.Get(artifact), call.Get(audience)!, call.Get(ttl)!, call.Get(scope)!, call.Get(manifest))),
            artifact, id, audience, ttl, scope, manifest);
        var grant = new Argument<string>("GRANT_ID") { Description = "The grant's id." };
        var reason = new Option<string?>("--reason") { HelpName = "TEXT", Description = "Why; it stands in the ledger." };
        var revoke = tree.Leaf("revoke", "Take a grant back: nothing opens with it from now on.", call => RevokeAsync(call, call.Get(grant), call.Get(reason)), grant, reason);
        return CommandTree.Branch("grant", "Who may open which secret.", create, revoke);
    }

    /// <summary>Other than by the name of a target a grant is for the key of one runner, whose form is fixed.</summary>
    private static bool IsAudience(string text) =>
        Providers.Contains(text) || (text.StartsWith(RunnerPrefix, StringComparison.Ordinal) && text.Length == RunnerPrefix.Length + 16 && text.AsSpan(RunnerPrefix.Length).IndexOfAnyExcept("0123456789abcdef") < 0);

    private static async Task<int> CreateAsync(Call call, GrantRequest wish)
    {
        if (!IsAudience(wish.Audience))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{wish.Audience}' could never open it: a grant is for a provider ({string.Join(", ", Providers)}) or for the key of one runner ({RunnerPrefix} and 16 hex characters, shown by GET /v1/keys).", "--aud podman"));
        }
        if (!wish.Ttl.StartsWith('P') || !TimeLength.TryParse(wish.Ttl, out _, out _))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{wish.Ttl}' is no life for a grant: ISO 8601 in days, hours, minutes and seconds.", "--ttl P30D"));
        }
        if (call.Connection().Fails(out var failure, out var connection) || connection.Tenant().Fails(out failure, out var tenant) || connection.Signer().Fails(out failure, out var signer))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = signer;
        string? hash = null;
        if (wish.Manifest is not null && HashIn(wish.Manifest, wish.ArtifactId).Fails(out failure, out hash))
        {
            return call.Screen.Refuse(failure);
        }
        var grant = Sign(call, wish, tenant, hash, signer);
        if (wish.Manifest is not null)
        {
            return ManifestFile.Put(wish.Manifest, "grants", grant) is { } unwritten ? call.Screen.Refuse(unwritten) : Report(call, wish, grant, null);
        }
        return await SubmitAsync(call, connection, tenant, wish, grant);
    }

    private static Attempt<string> HashIn(string manifest, string artifactId)
    {
        if (InputFile.ReadJson(manifest).Fails(out var failure, out var json))
        {
            return failure;
        }
        return json.Root.Items("artifacts").FirstOrDefault(artifact => artifact.Text("id") == artifactId).Text("hash") is { } hash
            ? hash
            : CommandFailure.Usage($"{manifest} has no artifact '{artifactId}'.", $"logline secrets seal FILE --id {artifactId} --out FILE --manifest {manifest}");
    }

    private static CanonicalJson Sign(Call call, GrantRequest wish, string tenant, string? hash, ProfileSigner signer) => SignedObject.Sign(CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        if (hash is not null)
        {
            json.WriteString("artifact_hash", hash);
        }
        json.WriteString("artifact_id", wish.ArtifactId);
        json.WriteString("aud", wish.Audience);
        json.WriteString("iat", Timestamps.Write(call.Shell.Time.GetUtcNow()));
        json.WriteString("id", wish.Id);
        json.WriteString("kid", signer.Kid);
        json.WriteStartArray("scope");
        foreach (var scope in wish.Scope.Distinct())
        {
            json.WriteStringValue(scope);
        }
        json.WriteEndArray();
        json.WriteString("tenant", tenant);
        json.WriteString("ttl", wish.Ttl);
        json.WriteEndObject();
    }), SignatureKind.Grant, signer.Key, "ed25519:");

    private static async Task<int> SubmitAsync(Call call, ConnectionSettings connection, string tenant, GrantRequest wish, CanonicalJson grant)
    {
        if (call.Sender(connection).Fails(out var failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        var span = sender.Compose(CreateForm, Identifiers.WalletSubject(tenant), json =>
        {
            json.WritePropertyName("grant");
            grant.Root.WriteTo(json);
        });
        return (await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack) ? call.Screen.Refuse(failure) : Report(call, wish, grant, ack.This);
    }

    private static async Task<int> RevokeAsync(Call call, string id, string? reason)
    {
        if (call.Connection().Fails(out var failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        var span = sender.Compose(RevokeForm, Identifiers.WalletSubject(tenant), json =>
        {
            json.WriteString("grant_id", id);
            if (reason is not null)
            {
                json.WriteString("reason", reason);
            }
        });
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(ack.Root.WriteTo, line =>
        {
            line($"Revoked {id} at {ack.LogIndex} in the log", Tone.Good);
            line("  what runs keeps what it has: replace the secret too, and deploy again", Tone.Quiet);
        });
    }

    private static int Report(Call call, GrantRequest wish, CanonicalJson grant, string? span) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("grant");
            grant.Root.WriteTo(json);
            json.WriteString("this", span);
            json.WriteEndObject();
        },
        line =>
        {
            line($"Granted {wish.ArtifactId} to {wish.Audience} for {wish.Ttl} as {wish.Id}", Tone.Good);
            line($"  in a variable of the manifest: \"grant://{wish.Id}\"", Tone.Plain);
        });

    private sealed record GrantRequest(string ArtifactId, string Id, string Audience, string Ttl, string[] Scope, string? Manifest);
}
