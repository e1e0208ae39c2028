using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Commands.Artifacts;

/// <summary>The hash of a file of any size.</summary>
internal static class HashedFile
{
    /// <summary><c>blake3:</c> and the hash of the stream from its beginning.</summary>
    public static async Task<string> NameAsync(Stream file, CancellationToken stop)
    {
        file.Position = 0;
        var hasher = new Blake3Hasher();
        var buffer = new byte[1 << 20];
        int read;
        while ((read = await file.ReadAsync(buffer, stop)) > 0)
        {
            hasher.Update(buffer.AsSpan(0, read));
        }
        var hash = new byte[Blake3.HashSize];
        hasher.Finish(hash);
        return ContentHash.Prefix + Convert.ToHexStringLower(hash);
    }
}
