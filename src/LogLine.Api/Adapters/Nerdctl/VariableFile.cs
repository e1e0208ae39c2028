using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// Variables for a command, in a file in memory that only the gateway's user can read and that goes when the command has ended. A command's arguments are there for every
/// process of the machine to read, and variables may be secrets.
/// </summary>
internal sealed class VariableFile : IDisposable
{
    const int MaxLine = 60 << 10;

    VariableFile(string? path) => Path = path;

    /// <summary>Where it is; null when there are no variables.</summary>
    public string? Path { get; }

    /// <summary>Writes <c>NAME=value</c>, one on each line.</summary>
    /// <exception cref="AdapterException">A variable would not arrive as it is.</exception>
    public static VariableFile Write(IReadOnlyList<string>? variables)
    {
        if (variables is null or [])
            return new VariableFile(null);
        foreach (var variable in variables)
        {
            if (Problem(variable) is { } problem)
                throw new AdapterException(AdapterFailure.Refused, $"env.{variable.Split('=')[0]}: {problem}, which nerdctl's command line cannot hand over unchanged; a secret can be a file instead (grant://…?as=file&path=…).");
        }
        return new VariableFile(PrivateFiles.Write("env", Encoding.UTF8.GetBytes(string.Concat(variables.Select(variable => variable + "\n")))));
    }

    public void Dispose()
    {
        if (Path is not null)
            PrivateFiles.Remove(Path);
    }

    static string? Problem(string variable) => variable switch
    {
        ['#', ..] => "a name that begins with '#'",
        _ when variable.AsSpan(0, variable.IndexOf('=')).ContainsAny(" \t\u00a0\u0085\v\f") => "white space in its name",
        _ when variable.AsSpan().ContainsAny('\n', '\r') => "a line break",
        _ when Encoding.UTF8.GetByteCount(variable) > MaxLine => $"more than {MaxLine} bytes",
        _ => null,
    };
}

/// <summary>Files for one command, readable by nobody else, in memory where the machine has such a place.</summary>
internal static class PrivateFiles
{
    const string Memory = "/dev/shm";

    /// <summary>Writes a file of that name in a folder of its own.</summary>
    public static string Write(string name, ReadOnlySpan<byte> content)
    {
        var folder = Folder();
        var path = Path.Combine(folder, name);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(content);
        return path;
    }

    /// <summary>A folder for one command.</summary>
    public static string Folder()
    {
        var path = Path.Combine(Directory.Exists(Memory) ? Memory : Path.GetTempPath(), "logline-" + Guid.NewGuid().ToString("N"));
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>Removes what <see cref="Write"/> has written, with its folder.</summary>
    public static void Remove(string path) => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
}
