namespace LogLine.Cli.Outcomes;

/// <summary>A failure where no value can be returned: while a document is being written. Caught by whoever writes it.</summary>
internal sealed class CommandFailureException(CommandFailure failure) : Exception(failure.Message)
{
    public CommandFailure Failure => failure;
}
