using System.CommandLine;
using LogLine.Cli.Output;

namespace LogLine.Cli;

/// <summary>Parses a command line and runs it: 0 done, 1 refused or failed, 2 not understood.</summary>
internal static class Invocation
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Shell shell, CancellationToken stop = default)
    {
        var parse = Contents.Root(shell).Parse(args);
        if (parse.Errors.Count > 0)
        {
            return Misunderstood(parse, args, shell);
        }
        var configuration = new InvocationConfiguration { Output = shell.Output, Error = shell.Errors, EnableDefaultExceptionHandler = false };
        try
        {
            return await parse.InvokeAsync(configuration, stop);
        }
        catch (Exception defect) when (defect is PlatformNotSupportedException or TypeInitializationException or DllNotFoundException)
        {
            // ICU or libsodium are missing: the message says what to install.
            return new Screen(shell, args.Contains("--json")).Refuse(new CommandFailure("settings", (defect.InnerException ?? defect).Message));
        }
        catch (Exception defect)
        {
            return new Screen(shell, args.Contains("--json")).Refuse(new CommandFailure("defect", $"A defect of logline itself: {defect}", "Please report it with the lines above."));
        }
    }

    private static int Misunderstood(ParseResult parse, IReadOnlyList<string> args, Shell shell)
    {
        var path = new List<string>();
        for (var at = parse.CommandResult; at is not null; at = at.Parent as System.CommandLine.Parsing.CommandResult)
        {
            path.Insert(0, at.Command is RootCommand ? "logline" : at.Command.Name);
        }
        var message = string.Join(' ', parse.Errors.Select(error => error.Message));
        var failure = CommandFailure.Usage(message, $"{string.Join(' ', path)} --help");
        // Of a plan 2 says that something would change.
        return new Screen(shell, args.Contains("--json")).Refuse(path is [_, "deploy", "plan"] ? failure with { ExitCode = ExitCodes.Failed } : failure);
    }
}
