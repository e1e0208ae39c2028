using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// Variables for a command, in a file in memory that only the gateway's user can read and that goes when the command has ended. A command's arguments are there for every
/// process of the machine to read, and variables may be secrets.
/// </summary>
internal sealed class VariableFile : IDisposable
{
    const int MaxLine = 60 << 10;

    readonly WorkFolder? folder;

    VariableFile(WorkFolder? folder, string? path) => (this.folder, Path) = (folder, path);

    /// <summary>Where it is; null when there are no variables.</summary>
    public string? Path { get; }

    /// <summary>Writes <c>NAME=value</c>, one on each line.</summary>
    /// <exception cref="AdapterException">A variable would not arrive as it is.</exception>
    public static VariableFile Write(IReadOnlyList<string>? variables)
    {
        if (variables is null or [])
            return new VariableFile(null, null);
        foreach (var variable in variables)
        {
            if (Problem(variable) is { } problem)
                throw new AdapterException(AdapterFailure.Refused, $"env.{variable.Split('=')[0]}: {problem}, which nerdctl's command line cannot hand over unchanged; a secret can be a file instead (grant://…?as=file&path=…).");
        }
        var folder = WorkFolder.Create(WorkFolder.Memory);
        return new VariableFile(folder, folder.Write("env", Encoding.UTF8.GetBytes(string.Concat(variables.Select(variable => variable + "\n")))));
    }

    public void Dispose() => folder?.Dispose();

    static string? Problem(string variable) => variable switch
    {
        ['#', ..] => "a name that begins with '#'",
        _ when variable.AsSpan(0, variable.IndexOf('=')).ContainsAny(" \t\u00a0\u0085\v\f") => "white space in its name",
        _ when variable.AsSpan().ContainsAny('\n', '\r') => "a line break",
        _ when Encoding.UTF8.GetByteCount(variable) > MaxLine => $"more than {MaxLine} bytes",
        _ => null,
    };
}
