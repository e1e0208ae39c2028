using System.Text.Json;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>Puts a provenance on a manifest, after looking whether the result is one that the gateway can take.</summary>
internal static class ManifestSigning
{
    /// <summary>True when there is a provenance, whoever made it.</summary>
    public static bool IsSigned(CanonicalJson manifest) => manifest.Root.Member("provenance").ValueKind != JsonValueKind.Undefined;

    /// <summary>The manifest with the signer's provenance in place of any that it has.</summary>
    public static Attempt<CanonicalJson> Sign(CanonicalJson manifest, ProfileSigner signer)
    {
        if (manifest.Root.ValueKind != JsonValueKind.Object)
        {
            return new CommandFailure("422_SCHEMA_INVALID", "The manifest is not a JSON object.");
        }
        var signed = SignedManifest.Sign(manifest, signer.Kid, signer.Key);
        return ManifestCheck.Refusal([.. ManifestCheck.Of(signed), ManifestCheck.AsWritten(manifest)]) is { } refusal ? refusal : signed;
    }
}
