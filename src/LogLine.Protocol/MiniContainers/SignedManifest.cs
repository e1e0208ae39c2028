using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// <c>ll.minicontainer.v1</c>: the signed manifest of a MiniContainer (blueprint, section 3; contract, section 7). A view of canonical JSON.
/// </summary>
public sealed class SignedManifest
{
    /// <summary>Value of <c>type</c>.</summary>
    public const string Type = "ll.minicontainer.v1";

    private SignedManifest(JsonElement root) => (Root, Deploy) = (root, root.Member("deploy"));

    /// <summary>The whole manifest.</summary>
    public JsonElement Root { get; }

    /// <summary>Its canonical bytes.</summary>
    public ReadOnlySpan<byte> Utf8 => CanonicalJson.BytesOf(Root);

    /// <summary><c>owner.tenant</c>.</summary>
    public string? OwnerTenant => Root.Member("owner").Text("tenant");

    /// <summary><c>provenance.kid</c>.</summary>
    public string? Kid => Root.Member("provenance").Text("kid");

    /// <summary><c>deploy</c>; undefined when the MiniContainer is a wallet alone.</summary>
    public JsonElement Deploy { get; }

    /// <summary>Views an object of a canonical document.</summary>
    public static SignedManifest View(JsonElement root) => new(root);

    /// <summary>True when the provenance is the key's signature over everything but <c>provenance.sig</c>.</summary>
    public bool VerifyProvenance(ReadOnlySpan<byte> publicKey) =>
        SignedObject.Verify(Root, Root.Member("provenance"), SignatureKind.Manifest, publicKey);

    /// <summary>Signs a manifest, replacing any provenance that it has.</summary>
    public static CanonicalJson Sign(CanonicalJson manifest, string kid, SigningKey key)
    {
        var bare = WithProvenance(manifest, kid, null);
        return WithProvenance(manifest, kid, Convert.ToBase64String(DomainSignature.Sign(key, SignatureKind.Manifest, bare.Utf8.Span)));
    }

    private static CanonicalJson WithProvenance(CanonicalJson manifest, string kid, string? signature) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        foreach (var member in manifest.Root.EnumerateObject().Where(member => !member.NameEquals("provenance")))
        {
            member.WriteTo(json);
        }
        json.WriteStartObject("provenance");
        json.WriteString("alg", DomainSignature.Algorithm);
        json.WriteString("kid", kid);
        if (signature is not null)
        {
            json.WriteString("sig", signature);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>
    /// What contradicts itself: grants whose artifact is missing, <c>grant://</c> values whose grant is missing, ids that stand twice,
    /// host ports and paths of secrets that are wanted twice, a provenance key that <c>slots.signing</c> lists and does not call active, lengths of time that are none, variables that no process can be given.
    /// </summary>
    /// <returns>JSON Pointer and message of each contradiction.</returns>
    public IEnumerable<(string Path, string Message)> Contradictions()
    {
        var artifacts = new HashSet<string>();
        foreach (var (artifact, i) in Root.Items("artifacts").Select((item, i) => (item, i)))
        {
            if (artifact.Text("id") is { } id && !artifacts.Add(id))
            {
                yield return ($"/artifacts/{i}/id", $"the artifact id '{id}' stands twice");
            }
        }
        var grants = new HashSet<string>();
        foreach (var (grant, i) in Root.Items("grants").Select((item, i) => (item, i)))
        {
            if (grant.Text("id") is { } id && !grants.Add(id))
            {
                yield return ($"/grants/{i}/id", $"the grant id '{id}' stands twice");
            }
            if (grant.Text("artifact_id") is { } artifact && !artifacts.Contains(artifact))
            {
                yield return ($"/grants/{i}/artifact_id", $"the grant names the artifact '{artifact}', which is not in artifacts");
            }
        }
        var ports = new HashSet<long>();
        foreach (var (port, i) in Deploy.Items("ports").Select((item, i) => (item, i)))
        {
            if (port.Integer("host") is { } host and > 0 && !ports.Add(host))
            {
                yield return ($"/deploy/ports/{i}/host", $"the host port {host} stands twice; only one port of the container can have it");
            }
        }
        if (Deploy.Member("env") is { ValueKind: JsonValueKind.Object } env)
        {
            var files = new Dictionary<string, string>();
            foreach (var variable in env.EnumerateObject())
            {
                if (variable.Value.GetString() is not { } value)
                {
                    continue;
                }
                var path = "/deploy/env/" + variable.Name.Replace("~", "~0").Replace("/", "~1");
                if (VariableSize.Problem(variable.Name, Encoding.UTF8.GetByteCount(value)) is { } tooLarge)
                {
                    yield return (path, $"{tooLarge}. Put it into a file: the image's own, or one of a grant (grant://ID?as=file&path=…)");
                }
                if (!GrantReference.IsMeant(value))
                {
                    continue;
                }
                if (!GrantReference.TryParse(value, out var reference, out var problem))
                {
                    yield return (path, "the value " + problem);
                }
                else if (!grants.Contains(reference.GrantId))
                {
                    yield return (path, $"the value names the grant '{reference.GrantId}', which is not in grants");
                }
                else if (reference.FilePath is { } file && !files.TryAdd(file, reference.GrantId) && files[file] != reference.GrantId)
                {
                    yield return (path, $"the value puts the grant '{reference.GrantId}' at {file}, where the grant '{files[file]}' is already; give it another path");
                }
            }
        }
        foreach (var (path, message) in DeployLifecycle.Problems(Deploy))
        {
            yield return ("/deploy" + path, message);
        }
        var slots = Root.Member("slots").Items("signing").ToList();
        if (slots.Count > 0 && slots.FirstOrDefault(slot => slot.Text("kid") == Kid) is { ValueKind: JsonValueKind.Object } slot && slot.Text("status") is { } status && status != "active")
        {
            yield return ("/provenance/kid", $"slots.signing calls the key '{Kid}' {status}, not active");
        }
    }
}
