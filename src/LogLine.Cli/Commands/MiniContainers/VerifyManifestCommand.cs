using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>
/// <c>logline minicontainer verify</c>: strict JSON, canonical form, schema, contradictions, provenance; offline unless the key has to be asked for.
/// </summary>
internal static class VerifyManifestCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The manifest, or a .llc, whose artifacts are verified too; - is standard input." };
        var name = new Option<string?>("--name") { HelpName = "NAME", Description = "Say the ref that it gets under this name." };
        var key = new Option<string?>("--key") { HelpName = "KEY", Description = "Public key to verify the provenance with: 64 hex characters or base64." };
        var online = new Option<bool>("--online") { Description = "Ask the gateway for a key that is not this profile's own." };
        return tree.Leaf("verify", "Verify a manifest and its signature.",
            call => RunAsync(call, call.Get(file), call.Get(name), call.Get(key), call.Get(online)), file, name, key, online);
    }

    private static async Task<int> RunAsync(Call call, string path, string? name, string? key, bool online)
    {
        if (name is not null && !Identifiers.IsName(name))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{name}' is no name for a MiniContainer: lower-case letters, digits, '-' and '_', at most 63."));
        }
        if (MiniContainerFile.Read(path, call.Shell.Input).Fails(out var failure, out var file))
        {
            return call.Screen.Refuse(failure);
        }
        var json = file.Manifest;
        var manifest = SignedManifest.View(json.Root);
        var checks = new List<ManifestCheck> { new("json", []), new("canonical", []) };
        checks.AddRange(ManifestCheck.Of(json));
        string? signer = null;
        if (!ManifestSigning.IsSigned(json))
        {
            checks.Add(new ManifestCheck("provenance", [("/provenance", $"is missing: it is not signed. Sign it with 'logline minicontainer sign {path} --out FILE'; 'apply' signs by itself")]));
        }
        else if ((await ProvenanceKey.FindAsync(call, manifest, key, online)).Fails(out failure, out var found))
        {
            if (failure.ExitCode == ExitCodes.Usage || failure.Code == "network")
            {
                return call.Screen.Refuse(failure);
            }
            checks.Add(new ManifestCheck("provenance", [("/provenance/kid", $"{failure.Message} {failure.Next}")]));
        }
        else
        {
            signer = $"{manifest.Kid}, {found.Origin}";
            checks.Add(new ManifestCheck("provenance", manifest.VerifyProvenance(found.PublicKey) ? []
                : [("/provenance/sig", $"is not the signature of {manifest.Kid} ({found.Origin}) over this manifest: it was changed after signing, or signed with another key")]));
        }
        return Report(call, json, checks, name, signer);
    }

    private static int Report(Call call, CanonicalJson json, List<ManifestCheck> checks, string? name, string? signer)
    {
        var valid = checks.TrueForAll(check => check.Holds);
        var hash = ContentHash.Of(json.Utf8.Span);
        var reference = valid && name is not null ? MiniContainerRef.Of(SignedManifest.View(json.Root).OwnerTenant!, name, json.Root).ToString() : null;
        call.Screen.Result(
            document =>
            {
                document.WriteStartObject();
                document.WriteBoolean("valid", valid);
                document.WriteString("hash", hash);
                document.WriteString("ref", reference);
                document.WriteStartArray("checks");
                foreach (var check in checks)
                {
                    Write(document, check);
                }
                document.WriteEndArray();
                document.WriteEndObject();
            },
            line =>
            {
                foreach (var check in checks)
                {
                    line($"{(check.Holds ? "ok  " : "FAIL")} {check.Name}{(check.Name == "provenance" && signer is not null ? $" ({signer})" : "")}", check.Holds ? Tone.Good : Tone.Bad);
                    foreach (var (path, message) in check.Faults)
                    {
                        line($"       {path}: {message}", Tone.Plain);
                    }
                }
                line($"hash {hash}", Tone.Plain);
                if (reference is not null)
                {
                    line($"ref  {reference}", Tone.Plain);
                }
            });
        return valid ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static void Write(Utf8JsonWriter document, ManifestCheck check)
    {
        document.WriteStartObject();
        document.WriteString("check", check.Name);
        document.WriteBoolean("holds", check.Holds);
        document.WriteStartArray("faults");
        foreach (var (path, message) in check.Faults)
        {
            document.WriteStartObject();
            document.WriteString("path", path);
            document.WriteString("message", message);
            document.WriteEndObject();
        }
        document.WriteEndArray();
        document.WriteEndObject();
    }
}
