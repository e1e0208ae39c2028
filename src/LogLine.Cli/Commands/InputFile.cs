using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary>Files that a command is given; <c>-</c> is standard input. At most 1 MiB, as the gateway takes no more.</summary>
internal static class InputFile
{
    /// <summary>Reads strict JSON that has a canonical form; the failure names the field that has none.</summary>
    public static Attempt<CanonicalJson> ReadJson(string path, Stream? input = null)
    {
        if (Read(path, input).Fails(out var failure, out var bytes))
        {
            return failure;
        }
        if (!CanonicalJson.TryRead(bytes, out var json, out var fault))
        {
            return new CommandFailure("400_MALFORMED_JSON", $"{Shown(path)}: {fault.Message}");
        }
        return json.Obstacles.Count == 0
            ? json
            : new CommandFailure("422_SCHEMA_INVALID", $"{Shown(path)}: {string.Join(' ', json.Obstacles.Select(obstacle => obstacle.Message))}");
    }

    /// <summary>Reads the bytes.</summary>
    public static Attempt<byte[]> Read(string path, Stream? input)
    {
        try
        {
            if (path == "-" && input is null)
            {
                return CommandFailure.Usage("Standard input is not read here; name a file.");
            }
            using var stream = path == "-" ? input! : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var buffer = new byte[JsonLimits.BodyBytes + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= JsonLimits.BodyBytes
                ? buffer[..length]
                : new CommandFailure("413_TOO_LARGE", $"{Shown(path)} is larger than 1 MiB, which is the most that the gateway takes.");
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandFailure.File(Shown(path), defect);
        }
    }

    private static string Shown(string path) => path == "-" ? "standard input" : path;
}
