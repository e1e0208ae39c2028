using System.CommandLine;
using System.CommandLine.Parsing;
using LogLine.Cli.Output;

namespace LogLine.Cli;

/// <summary>Parses a command line and runs it: 0 done, 1 refused or failed, 2 not understood.</summary>
internal static class Invocation
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Shell shell, CancellationToken stop = default)
    {
        var parse = Contents.Root(shell).Parse(args);
        var isForCommand = parse.Errors.Count > 0 || parse.Action == parse.CommandResult.Command.Action; // else help or completions are asked for
        if (isForCommand && UnknownOption(parse) is { } unknown)
        {
            return Misunderstood(parse, args, shell, unknown);
        }
        if (parse.Errors.Count > 0)
        {
            return Misunderstood(parse, args, shell, string.Join(' ', Misunderstandings(parse)));
        }
        var configuration = new InvocationConfiguration { Output = shell.Output, Error = shell.Errors, EnableDefaultExceptionHandler = false };
        try
        {
            return await parse.InvokeAsync(configuration, stop);
        }
        catch (CommandFailureException unsaid)
        {
            return new Screen(shell, json: false).Refuse(unsaid.Failure); // standard output takes nothing, a document neither
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

    private static int Misunderstood(ParseResult parse, IReadOnlyList<string> args, Shell shell, string message)
    {
        var path = new List<string>();
        for (var at = parse.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            path.Insert(0, at.Command is RootCommand ? "logline" : at.Command.Name);
        }
        var failure = CommandFailure.Usage(message, $"{string.Join(' ', path)} --help");
        // Of a plan 2 says that something would change.
        return new Screen(shell, args.Contains("--json")).Refuse(path is [_, "deploy", "plan"] ? failure with { ExitCode = ExitCodes.Failed } : failure);
    }

    /// <summary>
    /// An option that there is not. The parser takes it for an argument: a mistyped option would be the command that a container runs. Behind <c>--</c> everything is an argument.
    /// </summary>
    private static string? UnknownOption(ParseResult parse)
    {
        var before = parse.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToHashSet<Token>(ReferenceEqualityComparer.Instance);
        var arguments = parse.CommandResult.Children.OfType<ArgumentResult>().ToList();
        if (arguments.SelectMany(argument => argument.Tokens).FirstOrDefault(token => before.Contains(token) && token.Value.Length > 1 && token.Value[0] == '-') is not { } unknown)
        {
            return null;
        }
        var isCommand = arguments.Exists(argument => argument.Argument.Name == "ARGV");
        return $"There is no option '{unknown.Value}' in '{parse.CommandResult.Command.Name}'.{(isCommand ? " What is to be run, with all of its own options, stands behind --." : " An argument that begins with '-' stands behind --.")}";
    }

    /// <summary>What is not understood: missing arguments by their names, and of a command that there is not only that.</summary>
    private static IEnumerable<string> Misunderstandings(ParseResult parse)
    {
        var unknown = parse.UnmatchedTokens.Count > 0 && parse.CommandResult.Command.Subcommands.Count > 0;
        return unknown
            ? [$"There is no command '{parse.UnmatchedTokens[0]}'{(parse.CommandResult.Command is RootCommand ? "" : $" in '{parse.CommandResult.Command.Name}'")}: {string.Join(", ", parse.CommandResult.Command.Subcommands.Select(command => command.Name))}."]
            : parse.Errors.Select(Misunderstanding).Distinct();
    }

    private static string Misunderstanding(ParseError error) => error.SymbolResult switch
    {
        ArgumentResult { Tokens.Count: 0, Parent: CommandResult } missing => $"<{missing.Argument.HelpName ?? missing.Argument.Name}> is missing.",
        ArgumentResult { Parent: OptionResult { Tokens: [var token, ..] } option } when LacksNumber(option, token) => $"{option.Option.Name} is '{token.Value}'; it is a whole number.",
        OptionResult { Tokens: [var token, ..] } option when LacksNumber(option, token) => $"{option.Option.Name} is '{token.Value}'; it is a whole number.",
        CommandResult { Command.Subcommands.Count: > 0 } branch => $"It is not said what to do: {string.Join(", ", branch.Command.Subcommands.Select(command => command.Name))}.",
        _ => error.Message,
    };

    /// <summary>A number is wanted, and what is there is none.</summary>
    private static bool LacksNumber(OptionResult option, Token found) => !long.TryParse(found.Value, out _) && (Nullable.GetUnderlyingType(option.Option.ValueType) ?? option.Option.ValueType) is var type && (type == typeof(int) || type == typeof(long));
}
