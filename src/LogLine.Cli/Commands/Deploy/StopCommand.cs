using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy stop</c>: asks a container to end (<c>container.stop</c>).</summary>
internal static class StopCommand
{
    private static readonly SpanForm Form = new("container.stop", "function", "container/stop.v1");
    private static readonly ActWords Words = new("Stopping", "Stopped");

    public static Command Create(CommandTree tree)
    {
        var service = new Argument<string>("SERVICE") { Description = "The container: svc of its target." };
        var target = ContainerAct.Target();
        var timeout = new Option<int?>("--timeout") { HelpName = "SECONDS", Description = "After so long it is killed [10]." };
        var wait = RunOptions.Wait("Wait for it, N seconds at most; 0 does not wait.", seconds: 30);
        return tree.Leaf("stop", "Stop what runs.",
            call => ContainerAct.RunAsync(call, Form, call.Get(service), call.Get(target)!, call.Get(wait), Words, json =>
            {
                if (call.Get(timeout) is { } seconds)
                {
                    json.WriteNumber("timeout_s", seconds);
                }
            }),
            service, target, timeout, wait);
    }
}
