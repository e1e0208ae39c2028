using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary>What commands are built with: the shell, and the options that all of them take.</summary>
internal sealed record CommandTree(Shell Shell, GlobalOptions Globals)
{
    /// <summary>A command that does something.</summary>
    public Command Leaf(string name, string description, Func<Call, Task<int>> action, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
            {
                command.Add(option);
            }
            else
            {
                command.Add((Argument)symbol);
            }
        }
        command.SetAction((parse, stop) => RunAsync(parse, action, stop));
        return command;
    }

    /// <summary>A command that only holds others.</summary>
    public static Command Branch(string name, string description, params Command[] commands)
    {
        var branch = new Command(name, description);
        foreach (var command in commands)
        {
            branch.Add(command);
        }
        return branch;
    }

    private async Task<int> RunAsync(ParseResult parse, Func<Call, Task<int>> action, CancellationToken stop)
    {
        UnicodeData.Require();
        var screen = new Screen(Shell, Globals.Json(parse));
        var unread = Shell.OutputClosed();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, unread);
        var call = new Call(Shell, screen, HomeFolder.Of(Shell), Globals.Connection(parse), parse, ending.Token);
        try
        {
            return await action(call);
        }
        catch (OperationCanceledException) when (unread.IsCancellationRequested)
        {
            return ExitCodes.Unread; // quietly: whoever piped it into head has what was wanted
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            screen.Note(call.Resume() ?? "Stopped.", Tone.Warning);
            return ExitCodes.Interrupted;
        }
    }
}
