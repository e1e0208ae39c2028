using System.CommandLine;

namespace LogLine.Cli.Commands;

/// <summary><c>logline completion</c>: a script that completes command lines; it asks <c>logline "[suggest:POSITION]" LINE</c> as one types.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _logline() {
            local IFS=$'\n'
            COMPREPLY=($(logline "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null | grep -- "^${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _logline logline
        """;

    private const string Zsh = """
        #compdef logline
        _logline() {
            local -a found
            found=("${(@f)$(logline "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            compadd -a found || _files
        }
        compdef _logline logline
        """;

    private const string Fish = """
        function __logline_complete
            set -l line (commandline -cp)
            logline "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c logline -a '(__logline_complete)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName logline -ScriptBlock {
            param($word, $line, $position)
            logline "[suggest:$position]" "$line" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    public static Command Create(CommandTree tree)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        return tree.Leaf("completion", "Print a completion script: source <(logline completion bash).", call => Task.FromResult(Print(call, call.Get(shell))), shell);
    }

    private static int Print(Call call, string shell)
    {
        call.Shell.Output.WriteLine(shell switch { "bash" => Bash, "zsh" => Zsh, "fish" => Fish, _ => PowerShell });
        return ExitCodes.Done;
    }
}
