using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Secrets;

/// <summary>A secret that a grant let out, on its way into a container.</summary>
/// <param name="GrantId">The grant.</param>
/// <param name="ArtifactHash">The artifact that it was in.</param>
/// <param name="Secret">The secret; the caller wipes it.</param>
/// <param name="Digest">Its keyed digest, for the record.</param>
public sealed record OpenedGrant(string GrantId, string ArtifactHash, SecretBytes Secret, string Digest);

/// <summary>Reads an artifact of the run's tenant, by its hash; null when there is none, or one that is larger than <paramref name="maxBytes"/>.</summary>
public delegate Task<byte[]?> SealedReader(string hash, int maxBytes, CancellationToken cancel);

/// <summary>
/// Opens what a manifest's variables refer to (<c>grant://…</c>). Runs in a worker alone: it has the runner's key, the bytes of the artifacts, and trusts nothing
/// that it can verify itself.
/// </summary>
public sealed class GrantOpener(RunnerKeys runner)
{
    private const int Envelope = 1024;

    /// <summary>The runner that opens.</summary>
    public RunnerKeys Runner => runner;

    /// <summary>Opens every grant that the manifest's variables name, all or none.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="tenant">The run's tenant.</param>
    /// <param name="provider">The target's provider.</param>
    /// <param name="evidence">What the ledger says of keys and grants.</param>
    /// <param name="now">The moment, by the worker's clock; null asks for no life, audience or revocation: to recognise in output what was let out before.</param>
    /// <param name="artifacts">Reads a small artifact of the run's tenant by its hash; null when there is none.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<(IReadOnlyList<OpenedGrant> Opened, GrantRefusal? Refused)> OpenAsync(
        SignedManifest manifest, string tenant, string provider, GrantEvidence evidence, DateTimeOffset? now, SealedReader artifacts, CancellationToken cancel)
    {
        var opened = new List<OpenedGrant>();
        foreach (var id in Named(manifest))
        {
            var (one, refused) = await OpenAsync(id, manifest, tenant, provider, evidence, now, artifacts, cancel);
            if (refused is not null)
            {
                opened.ForEach(grant => grant.Secret.Dispose());
                return ([], refused);
            }
            opened.Add(one!);
        }
        return (opened, null);
    }

    /// <summary>The grants that a manifest's variables name, each once.</summary>
    public static IReadOnlyList<string> Named(SignedManifest manifest) => [.. References(manifest).Select(reference => reference.Reference.GrantId).Distinct()];

    /// <summary>The variables that stand for secrets.</summary>
    public static IEnumerable<(string Variable, GrantReference Reference)> References(SignedManifest manifest)
    {
        if (manifest.Deploy.Member("env") is not { ValueKind: JsonValueKind.Object } env)
        {
            yield break;
        }
        foreach (var variable in env.EnumerateObject())
        {
            if (GrantReference.TryParse(variable.Value.GetString() ?? "", out var reference, out _))
            {
                yield return (variable.Name, reference);
            }
        }
    }

    private async Task<(OpenedGrant? Opened, GrantRefusal? Refused)> OpenAsync(
        string id, SignedManifest manifest, string tenant, string provider, GrantEvidence evidence, DateTimeOffset? now, SealedReader artifacts, CancellationToken cancel)
    {
        var grant = manifest.Root.Items("grants").FirstOrDefault(known => known.Text("id") == id);
        var artifact = manifest.Root.Items("artifacts").FirstOrDefault(known => known.Text("id") == grant.Text("artifact_id"));
        if (grant.ValueKind != JsonValueKind.Object || artifact.ValueKind != JsonValueKind.Object)
        {
            return (null, new GrantRefusal("grant_missing", $"The manifest has no grant '{id}', or not its artifact."));
        }
        if (now is { } moment && GrantTerms.Refusal(grant, manifest, tenant, evidence, provider, runner.Kid, moment) is { } refusal)
        {
            return (null, refusal);
        }
        var hash = artifact.Text("hash")!;
        if (grant.Text("artifact_hash") is { } bound && bound != hash)
        {
            return (null, new GrantRefusal("grant_artifact", $"The grant '{id}' is for an artifact with the hash {bound}; the manifest's has {hash}."));
        }
        if (await artifacts(hash, SealedArtifact.MaxSecretBytes + Envelope, cancel) is not { } bytes)
        {
            return (null, new GrantRefusal("artifact_missing", $"The artifact {hash} of the grant '{id}' was not uploaded ('logline artifacts put')."));
        }
        return Open(grant, artifact, bytes, manifest, tenant, evidence);
    }

    private (OpenedGrant? Opened, GrantRefusal? Refused) Open(JsonElement grant, JsonElement artifact, byte[] bytes, SignedManifest manifest, string tenant, GrantEvidence evidence)
    {
        var (id, hash) = (grant.Text("id")!, artifact.Text("hash")!);
        string? problem = null;
        // The artifact does not say whose it is; it opens for its owner alone, which is the grant's key or one that it was rotated from.
        foreach (var owner in GrantTerms.KidOf(grant, manifest) is { } kid && evidence.Keys.TryGetValue(kid, out var key) ? key.Owners : [])
        {
            var whose = new ArtifactOwner(artifact.Text("id")!, artifact.Text("type")!, tenant, owner);
            if (SealedArtifact.TryOpen(artifact, bytes, whose, runner.Kid, runner.Key, out var secret, out problem))
            {
                return Unfit(manifest, id, secret) is { } unfit ? (null, unfit) : (new OpenedGrant(id, hash, secret, runner.DigestOf(secret)), null);
            }
        }
        return (null, new GrantRefusal("artifact_sealed", $"The artifact {hash} of the grant '{id}' stays closed: {problem ?? "nobody whom the ledger trusts owns it"}."));
    }

    /// <summary>A variable holds text without NUL, and not much of it; anything else has to go into a file.</summary>
    private static GrantRefusal? Unfit(SignedManifest manifest, string id, SecretBytes secret)
    {
        var variables = References(manifest).Where(reference => reference.Reference.GrantId == id && reference.Reference.FilePath is null).Select(reference => reference.Variable).ToList();
        var isText = secret.Reveal().IndexOf((byte)0) < 0 && System.Text.Unicode.Utf8.IsValid(secret.Reveal());
        var tooLarge = variables.Select(variable => VariableSize.Problem(variable, secret.Reveal().Length) is { } problem ? $"the variable '{variable}' {problem}" : null).FirstOrDefault(problem => problem is not null);
        if (variables.Count == 0 || (isText && tooLarge is null))
        {
            return null;
        }
        secret.Dispose();
        return new GrantRefusal(isText ? "secret_too_large" : "secret_no_text", $"The secret of the grant '{id}' fits into no variable: {(isText ? tooLarge : "it is no text")}. Put it into a file with grant://{id}?as=file&path=/run/secrets/{id}.");
    }
}
