using System.Text.Json;

namespace LogLine.Cli.Outcomes;

/// <summary>Why a command did not do what it was asked to, said so that the reader knows what to do next.</summary>
/// <param name="Code">The gateway's code (<c>428_PROOF_REQUIRED</c>), or one of this program's: usage, settings, file, key, network, verification, run.</param>
/// <param name="Message">What, where, and what was found.</param>
/// <param name="Next">What to do about it; null when the message says so itself.</param>
internal sealed record CommandFailure(string Code, string Message, string? Next = null)
{
    /// <summary>1 refused or failed, 2 the command line was wrong.</summary>
    public int ExitCode { get; init; } = ExitCodes.Failed;

    /// <summary>The gateway's trace id.</summary>
    public string? TraceId { get; init; }

    /// <summary>What the gateway answered, whole; undefined when it did not answer.</summary>
    public JsonElement Body { get; init; }

    /// <summary>The command line asks for something that does not exist or contradicts itself.</summary>
    public static CommandFailure Usage(string message, string? next = null) => new("usage", message, next) { ExitCode = ExitCodes.Usage };

    /// <summary>A file that cannot be read or written.</summary>
    public static CommandFailure File(string path, Exception reason) => new("file", $"{path}: {reason.Message}");
}

/// <summary>What the process answers to its caller.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;

    /// <summary>Of <c>deploy plan</c>: nothing is wrong, and something would change.</summary>
    public const int ChangesPending = 2;

    /// <summary>Ctrl-C: 128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>Nobody reads the output any more: 128 + SIGPIPE, as for a program that dies of it.</summary>
    public const int Unread = 141;
}
