using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary>One thing that a manifest has to be, and what is against it.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Faults">JSON Pointer and message of each fault; none when it holds.</param>
internal sealed record ManifestCheck(string Name, IReadOnlyList<(string Path, string Message)> Faults)
{
    public bool Holds => Faults.Count == 0;

    /// <summary>What can be judged without a key: schema and contradictions.</summary>
    public static IReadOnlyList<ManifestCheck> Of(CanonicalJson manifest)
    {
        // A missing provenance is told once, by who looks at the signature.
        var signed = ManifestSigning.IsSigned(manifest);
        var checks = new List<ManifestCheck> { new("schema", [.. ManifestSchema.Faults(manifest.Root).Where(fault => signed || fault.Path != "/provenance")]) };
        // Contradictions are looked for in what has the right shape only.
        if (checks[0].Holds)
        {
            checks.Add(new ManifestCheck("consistency", [.. SignedManifest.View(manifest.Root).Contradictions(), .. AsWritten(manifest).Faults]));
        }
        return checks;
    }

    /// <summary>What is signed is in NFC; what was written in another form would reach the container as other bytes.</summary>
    public static ManifestCheck AsWritten(CanonicalJson manifest)
    {
        var altered = manifest.Altered.Where(path => path.StartsWith("/deploy/", StringComparison.Ordinal)).Select(path => (path, "is not in Unicode's normal form C (NFC), in which it is signed and stored")).ToList();
        return new("consistency", altered.Count == 0 && manifest.IsAlteredElsewhere
            ? [("/deploy", $"cannot be judged: more than {CanonicalJson.MostAltered:N0} texts of the manifest are not in Unicode's normal form C (NFC); write them in NFC")]
            : altered);
    }

    /// <summary>The failure of the checks that do not hold, or null.</summary>
    public static CommandFailure? Refusal(IReadOnlyList<ManifestCheck> checks)
    {
        var faults = checks.SelectMany(check => check.Faults).ToList();
        return faults.Count == 0 ? null : new CommandFailure("422_SCHEMA_INVALID", string.Join("; ", faults.Select(fault => $"{fault.Path}: {fault.Message}")));
    }
}
