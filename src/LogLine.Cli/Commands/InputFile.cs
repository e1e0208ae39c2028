using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary>Files that a command is given; <c>-</c> is standard input. JSON is at most 1 MiB, as the gateway takes no more.</summary>
internal static class InputFile
{
    /// <summary>Reads strict JSON that has a canonical form; the failure names the field that has none.</summary>
    public static Attempt<CanonicalJson> ReadJson(string path, Stream? input = null)
    {
        return Read(path, input, JsonLimits.BodyBytes).Fails(out var failure, out var bytes) ? failure : ParseJson(path, bytes);
    }

    /// <summary>Reads strict JSON from bytes; <paramref name="path"/> is where they came from.</summary>
    public static Attempt<CanonicalJson> ParseJson(string path, byte[] bytes)
    {
        if (!CanonicalJson.TryRead(bytes, out var json, out var fault))
        {
            return new CommandFailure("400_MALFORMED_JSON", $"{Shown(path)}: {fault.Message}");
        }
        return json.Obstacles.Count == 0
            ? json
            : new CommandFailure("422_SCHEMA_INVALID", $"{Shown(path)}: {string.Join(' ', json.Obstacles.Select(obstacle => obstacle.Message))}");
    }

    /// <summary>Reads the bytes, at most <paramref name="most"/>.</summary>
    public static Attempt<byte[]> Read(string path, Stream? input, int most)
    {
        try
        {
            if (path == "-" && input is null)
            {
                return CommandFailure.Usage("Standard input is not read here; name a file.");
            }
            using var stream = path == "-" ? input! : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var buffer = new byte[JsonLimits.BodyBytes + 1];
            var length = 0;
            while (stream.ReadAtLeast(buffer.AsSpan(length), buffer.Length - length, throwOnEndOfStream: false) is var read && (length += read) == buffer.Length && length <= most)
            {
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, most + 1));
            }
            return length <= most ? buffer[..length] : new CommandFailure("413_TOO_LARGE", $"{Shown(path)} is larger than {most >> 20} MiB, which is the most that is taken.");
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandFailure.File(Shown(path), defect);
        }
    }

    /// <summary>The file's name for messages.</summary>
    public static string Shown(string path) => path == "-" ? "standard input" : path;
}
