using System.Diagnostics;
using System.Text;

namespace LogLine.Cli.Tests.Checkout;

/// <summary>A program of the checkout, started from its root with a temporary folder of its own; what it says is kept, both streams as one.</summary>
internal sealed class Script : IDisposable
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(20);

    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    private Script(Process process, string folder) => (_process, Folder) = (process, folder);

    /// <summary>Its TMPDIR.</summary>
    public string Folder { get; }

    /// <summary>Everything it has said so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <param name="settings">Environment beside the test's own; null takes a variable away.</param>
    /// <param name="command">Program, relative to the root when it has a slash, and arguments.</param>
    public static Script Start(IReadOnlyDictionary<string, string?> settings, params string[] command)
    {
        var folder = Directory.CreateTempSubdirectory("ll-").FullName;
        var start = new ProcessStartInfo(command[0].Contains('/') ? Path.Combine(Repository.Root, command[0]) : command[0], command.Skip(1))
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings.Append(new("TMPDIR", folder)))
        {
            start.Environment[name] = value;
        }
        var script = new Script(new Process { StartInfo = start }, folder);
        script._process.OutputDataReceived += (_, line) => script.Hear(line.Data);
        script._process.ErrorDataReceived += (_, line) => script.Hear(line.Data);
        script._process.Start();
        script._process.StandardInput.Close();
        script._process.BeginOutputReadLine();
        script._process.BeginErrorReadLine();
        return script;
    }

    /// <summary>Completes when a line with the text has been said.</summary>
    public Task SeesAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_said)
        {
            _awaited.Add((text, seen));
            if (_said.ToString().Contains(text, StringComparison.Ordinal))
            {
                seen.TrySetResult();
            }
        }
        return seen.Task.WaitAsync(MaxTime, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a signal to it, and not to what it started.</summary>
    public void Signal(string name) => Process.Start("kill", [$"-{name}", $"{_process.Id}"]).WaitForExit();

    /// <summary>Its exit code.</summary>
    public async Task<int> EndAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(MaxTime);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private void Hear(string? line)
    {
        lock (_said)
        {
            _said.Append(line).Append('\n');
            foreach (var (text, seen) in _awaited)
            {
                if (line?.Contains(text, StringComparison.Ordinal) == true)
                {
                    seen.TrySetResult();
                }
            }
        }
    }
}
