using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy remove</c>: removes a container that has ended (<c>container.remove</c>).</summary>
internal static class RemoveCommand
{
    private static readonly SpanForm Form = new("container.remove", "function", "container/remove.v1");
    private static readonly ActWords Words = new("Removing", "Removed");

    public static Command Create(CommandTree tree)
    {
        var service = new Argument<string>("SERVICE") { Description = "The container: svc of its target." };
        var target = ContainerAct.Target();
        var force = new Option<bool>("--force") { Description = "Kill it first when it runs." };
        var wait = RunOptions.Wait("Wait for it, N seconds at most; 0 does not wait.", seconds: 30);
        return tree.Leaf("remove", "Remove what has ended.",
            call => ContainerAct.RunAsync(call, Form, call.Get(service), call.Get(target)!, call.Get(wait), Words, json =>
            {
                if (call.Get(force))
                {
                    json.WriteBoolean("force", true);
                }
            }),
            service, target, force, wait);
    }
}
