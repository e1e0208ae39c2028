using System.Formats.Tar;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Artifacts;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Commands.Primitives;

/// <summary>Files of this machine where a primitive takes or makes an artifact: what is named by a path is packed as a tar and uploaded, and what was made is fetched and verified.</summary>
internal static class LocalArtifacts
{
    private const string Member = "artifact";

    /// <summary>Uploads what options name by a path; the hashes, by member.</summary>
    public static async Task<Attempt<IReadOnlyDictionary<string, string>>> UploadAsync(Call call, SpanSender sender, IEnumerable<MemberOption> members)
    {
        var hashes = new Dictionary<string, string>();
        foreach (var member in members.Where(member => member.Member == Member))
        {
            if (member.Text(call) is { } path && !path.StartsWith(ContentHash.Prefix, StringComparison.Ordinal))
            {
                if ((await UploadAsync(call, sender, path)).Fails(out var failure, out var hash))
                {
                    return failure;
                }
                hashes[member.Member] = hash;
            }
        }
        return hashes;
    }

    /// <summary>Why nothing can be fetched to there, said before anything is made; null when nothing speaks against it.</summary>
    public static CommandFailure? Refuse(string path)
    {
        if (path.Length == 0)
        {
            return CommandFailure.Usage("--out names no file.");
        }
        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(path.TrimEnd('/')));
            return folder is null || Directory.Exists(folder) ? null : new CommandFailure("file", $"{path}: There is no folder {folder}.");
        }
        catch (ArgumentException defect)
        {
            return CommandFailure.File(path, defect);
        }
    }

    /// <summary>Fetches an artifact into a file, or unpacks it into a folder; null, or why not.</summary>
    public static async Task<CommandFailure?> FetchAsync(Call call, GatewayClient gateway, string hash, string path)
    {
        try
        {
            using var draft = new DraftFile(path);
            await using (var file = new FileStream(draft.Path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.Asynchronous))
            {
                if (await gateway.DownloadAsync("/v1/artifacts/" + Uri.EscapeDataString(hash), file, call.Stop) is { } refused)
                {
                    return refused;
                }
                if (await HashedFile.NameAsync(file, call.Stop) is var found && found != hash)
                {
                    return new CommandFailure("verification", $"What the gateway sent has the hash {found}, not {hash}; nothing was kept.");
                }
            }
            if (path.EndsWith('/'))
            {
                Directory.CreateDirectory(path);
                await TarFile.ExtractToDirectoryAsync(draft.Path, path, overwriteFiles: false, call.Stop);
            }
            else
            {
                draft.Keep();
            }
            return null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException or InvalidDataException)
        {
            return CommandFailure.File(path, defect);
        }
    }

    private static async Task<Attempt<string>> UploadAsync(Call call, SpanSender sender, string path)
    {
        var isTar = path.EndsWith(".tar", StringComparison.Ordinal);
        var packed = isTar ? path : Path.GetTempFileName();
        try
        {
            if (!isTar)
            {
                await PackAsync(path, packed, call.Stop);
            }
            await using var file = new FileStream(packed, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.Asynchronous);
            var hash = await HashedFile.NameAsync(file, call.Stop);
            return (await sender.UploadAsync(hash, file, call.Stop)).Fails(out var failure, out _) ? failure : hash;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandFailure.File(path, defect);
        }
        finally
        {
            if (!isTar)
            {
                File.Delete(packed);
            }
        }
    }

    /// <summary>A folder's content, or one file.</summary>
    private static async Task PackAsync(string path, string tar, CancellationToken stop)
    {
        if (Directory.Exists(path))
        {
            File.Delete(tar);
            await TarFile.CreateFromDirectoryAsync(path, tar, includeBaseDirectory: false, stop);
            return;
        }
        await using var output = new FileStream(tar, FileMode.Create, FileAccess.Write);
        await using var writer = new TarWriter(output);
        await writer.WriteEntryAsync(path, Path.GetFileName(path), stop);
    }
}
