namespace LogLine.Api;

/// <summary>What the program does besides serving, by its first argument.</summary>
internal static class OperatorCommands
{
    private const string Help = """
        logline-api [OPTION…]             serves until it is told to stop (SIGTERM, Ctrl-C)

          --data DIR                      data folder; made and initialised when it is empty [LOGLINE_DATA; ./data]
          --urls URL[;URL…]               where it listens; port 0 lets the system choose [http://localhost:5000]
          --role all|gateway|worker       what this process is [all]
          --LogLine:SECTION:NAME=VALUE    any other setting, as docs/ names it; LogLine__SECTION__NAME in the environment

        logline-api health [--urls URL]   asks the gateway of this machine whether it is ready
        logline-api make-keys DIR         makes the keys that several gateways on one log share
        logline-api rotate-key …          replaces a key of the gateway's (docs/operations.md)

        """;

    private static readonly Dictionary<string, Func<string[], Task<int>>> All = new()
    {
        [ServerKeyRotation.Name] = ServerKeyRotation.RunAsync,
        [MakeKeysCommand.Name] = MakeKeysCommand.RunAsync,
        [HealthCommand.Name] = HealthCommand.RunAsync,
        ["--help"] = ShowHelpAsync,
        ["-h"] = ShowHelpAsync,
    };

    /// <summary>The command of an argument list, or null: then it serves.</summary>
    public static Func<string[], Task<int>>? Find(string[] args) => args.Length > 0 ? All.GetValueOrDefault(args[0]) : null;

    private static Task<int> ShowHelpAsync(string[] args)
    {
        Console.Write(Help);
        return Task.FromResult(0);
    }
}
