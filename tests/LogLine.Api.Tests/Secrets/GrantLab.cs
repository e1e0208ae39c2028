using System.Text;
using LogLine.Api.Secrets;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Secrets;

/// <summary>A runner, an owner, and a manifest whose variable stands for a sealed secret; every part can be made wrong.</summary>
internal sealed class GrantLab : IDisposable
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-runner-").FullName;

    public GrantLab() => Runner = RunnerKeys.Open(_folder);

    public RunnerKeys Runner { get; }

    public SigningKey Owner { get; } = SigningKey.Generate();

    public byte[] Secret { get; set; } = Encoding.UTF8.GetBytes("hunter2-and-more");

    /// <summary>Whose the artifact is when it is sealed.</summary>
    public ArtifactOwner Sealed { get; set; } = new("secret_db", "secret", "vv", "kid_1");

    public string Value { get; set; } = "grant://db";

    /// <summary>Members of the grant, without its signature.</summary>
    public Dictionary<string, object> Grant { get; } = new()
    {
        ["id"] = "db", ["artifact_id"] = "secret_db", ["scope"] = new[] { "runtime:read" }, ["iat"] = Timestamps.Write(Noon), ["ttl"] = "PT1H", ["aud"] = "podman", ["kid"] = "kid_1",
    };

    public string ManifestTenant { get; set; } = "vv";

    public HashSet<string> Revoked { get; } = [];

    public Dictionary<string, GrantKey> Keys { get; } = [];

    /// <summary>The bytes that were uploaded, by tenant and hash.</summary>
    public Dictionary<(string, string), byte[]> Uploaded { get; } = [];

    public SigningKey? SignedBy { get; set; }

    public bool Forget { get; set; }

    public async Task<(IReadOnlyList<OpenedGrant> Opened, GrantRefusal? Refused)> OpenAsync(string tenant = "vv", DateTimeOffset? now = null, string provider = "podman")
    {
        var (bytes, artifact) = SealedArtifact.Seal(Secret, Sealed, [Runner.Public]);
        if (!Forget)
        {
            Uploaded[(tenant, artifact.Root.Text("hash")!)] = bytes;
        }
        Keys.TryAdd("kid_1", new GrantKey(Owner.PublicKey.ToArray(), ["kid_1"]));
        var grant = SignedObject.Sign(CanonicalJson.Parse(Hosting.TestGateway.Json(Grant)), SignatureKind.Grant, SignedBy ?? Owner, "ed25519:");
        var manifest = CanonicalJson.Parse(
            $$$"""
            {"owner":{"tenant":"{{{ManifestTenant}}}"},"ts":"2026-11-20T12:00:00Z","provenance":{"kid":"kid_1"},"deploy":{"env":{"PLAIN":"x","DB":"{{{Value}}}"}},
             "artifacts":[{{{Hosting.TestGateway.Text(artifact)}}}],"grants":[{{{Hosting.TestGateway.Text(grant)}}}]}
            """);
        var opener = new GrantOpener(Runner);
        return await opener.OpenAsync(SignedManifest.View(manifest.Root), tenant, provider, new GrantEvidence(Keys, Revoked), now ?? Noon, (hash, _, _) => Task.FromResult(Uploaded.GetValueOrDefault((tenant, hash))), TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        Runner.Dispose();
        Owner.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
