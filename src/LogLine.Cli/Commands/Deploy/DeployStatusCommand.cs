using System.CommandLine;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Settings;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy status</c>: where a MiniContainer's deployments stand, of the one applied last unless another is named; <c>logline status</c> of its subject.</summary>
internal static class DeployStatusCommand
{
    public static Command Create(CommandTree tree)
    {
        var run = new Argument<string?>("RUN") { Arity = ArgumentArity.ZeroOrOne, Description = "A run (run_…) instead of a MiniContainer." };
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The MiniContainer [the one applied last]." };
        var watch = new Option<bool>("--watch") { Description = "Follow it: a run until it has ended, a MiniContainer until Ctrl-C." };
        var noStream = RunOptions.NoStream();
        return tree.Leaf("status", "Show what runs where.", call => RunAsync(call, call.GetOptional(run), call.Get(reference), call.Get(watch), !call.Get(noStream)), run, reference, watch, noStream);
    }

    private static Task<int> RunAsync(Call call, string? run, string? wanted, bool watch, bool stream)
    {
        if (run is not null)
        {
            return StatusCommand.RunAsync(call, run, watch, stream, after: null);
        }
        return call.Connection().Fails(out var failure, out var connection) || LastApplied.Choose(call.Home, connection.ProfileName, wanted, call.Note).Fails(out failure, out var reference)
            ? Task.FromResult(call.Screen.Refuse(failure))
            : StatusCommand.RunAsync(call, reference.Subject, watch, stream, after: null);
    }
}
