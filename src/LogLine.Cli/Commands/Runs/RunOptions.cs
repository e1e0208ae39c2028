using System.CommandLine;

namespace LogLine.Cli.Commands.Runs;

/// <summary>Options that commands which start or follow runs share.</summary>
internal static class RunOptions
{
    /// <summary>The longest wait that the gateway grants (contract, section 3: <c>Prefer: wait</c>).</summary>
    public const int MaxWaitSeconds = 60;

    public static Option<int> Wait(string description, int seconds = 0)
    {
        var option = new Option<int>("--wait") { HelpName = "N", Description = description, DefaultValueFactory = _ => seconds };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out var value) || value is < 0 or > MaxWaitSeconds))
            {
                result.AddError($"--wait is a whole number of seconds from 0 to {MaxWaitSeconds}, not '{result.Tokens[0].Value}'.");
            }
        });
        return option;
    }

    public static Option<bool> NoStream() => new("--no-stream") { Description = "Poll instead of streaming." };
}
