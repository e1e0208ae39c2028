namespace LogLine.Api;

/// <summary>What the program does besides serving, by its first argument.</summary>
internal static class OperatorCommands
{
    private static readonly Dictionary<string, Func<string[], Task<int>>> All = new()
    {
        [ServerKeyRotation.Name] = ServerKeyRotation.RunAsync,
        [MakeKeysCommand.Name] = MakeKeysCommand.RunAsync,
        [HealthCommand.Name] = HealthCommand.RunAsync,
    };

    /// <summary>The command of an argument list, or null: then it serves.</summary>
    public static Func<string[], Task<int>>? Find(string[] args) => args.Length > 0 ? All.GetValueOrDefault(args[0]) : null;
}
