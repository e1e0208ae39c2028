namespace LogLine.Api.Runs;

/// <summary>A command was broken off, and goes on in its container, or may: a cancel like any other, but for what is to be said of it.</summary>
public sealed class CommandLeftException : OperationCanceledException
{
    private const string WayOut = "Stopping or restarting the container ends it (container.stop, container.restart).";

    private CommandLeftException(string message, OperationCanceledException broken)
        : base(message, broken, broken.CancellationToken)
    {
    }

    /// <summary>Its process is on another machine, in another namespace of processes, or somebody else's.</summary>
    public static CommandLeftException OutOfReach(OperationCanceledException broken) => new($"The command goes on: its process cannot be ended from where the worker is. {WayOut}", broken);

    /// <summary>The engine, which alone knows, did not answer.</summary>
    public static CommandLeftException OfUnknown(OperationCanceledException broken) => new($"Whether the command has ended is not known, as the engine did not answer; it may go on. {WayOut}", broken);
}
