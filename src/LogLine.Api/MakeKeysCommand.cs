using LogLine.Api.Ledger;
using LogLine.Api.Secrets;

namespace LogLine.Api;

/// <summary>
/// <c>LogLine.Api make-keys DIR</c>: makes the keys that several gateways on one log share, before the first of them starts, for whatever hands secrets out to them
/// (docs/deployment.md). A single gateway makes its own.
/// </summary>
internal static class MakeKeysCommand
{
    public const string Name = "make-keys";

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is not [_, var folder] || folder.StartsWith('-'))
        {
            await Console.Error.WriteLineAsync("logline-api: make-keys DIR");
            return 2;
        }
        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.key").Any())
        {
            throw new DataFolderException($"{folder} holds keys already; they are not replaced (see rotate-key).");
        }
        _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(folder) : Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var keys = ServerKeys.Open(folder, create: true);
        RunnerKeys.Open(folder).Dispose();
        Console.WriteLine($"{keys.LogKid} {keys.Log.PublicKeyHex}");
        return 0;
    }
}
