using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>How a command ended, and what it said last, never more than was asked for. <paramref name="Dropped"/> counts bytes of standard output that made room.</summary>
internal sealed record CommandResult(int ExitCode, byte[] Output, string Errors, long Dropped);

/// <summary>
/// Runs one program with arguments that are a list: no shell, no inherited input, a time limit always, output bounded while it comes. What is still running
/// when its time is over is killed with all that it started.
/// </summary>
internal sealed class CommandRunner(string program, IReadOnlyList<string> before, IReadOnlyDictionary<string, string?> environment, TimeProvider time)
{
    const int ErrorBytes = 16 << 10;

    /// <summary>Runs it to its end.</summary>
    /// <param name="args">Its arguments.</param>
    /// <param name="input">Standard input; none when left out.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="maxBytes">How much of its standard output is kept, the last.</param>
    /// <param name="cancel">Kills it.</param>
    /// <exception cref="AdapterException">The program is not there, or its time was over (<see cref="AdapterFailure.Unavailable"/>).</exception>
    public async Task<CommandResult> RunAsync(IReadOnlyList<string> args, ReadOnlyMemory<byte> input, TimeSpan limit, int maxBytes, CancellationToken cancel)
    {
        using var process = Start(args);
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        var (output, errors) = (new LastBytes(maxBytes), new LastBytes(ErrorBytes));
        try
        {
            await Task.WhenAll(
                FeedAsync(process, input, either.Token), DrainAsync(process.StandardOutput.BaseStream, output, either.Token), DrainAsync(process.StandardError.BaseStream, errors, either.Token));
            await process.WaitForExitAsync(either.Token);
            return new CommandResult(process.ExitCode, output.ToArray(), Encoding.UTF8.GetString(errors.ToArray()).Trim(), output.Dropped);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"'{program} {args[0]}' did not end within {limit.TotalSeconds:0.###} s", e);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    Process Start(IReadOnlyList<string> args)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var one in before.Concat(args))
            start.ArgumentList.Add(one);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"'{program}' cannot be started: {e.Message}. Is it installed, and in PATH?", e);
        }
    }

    static async Task FeedAsync(Process process, ReadOnlyMemory<byte> input, CancellationToken cancel)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A command that ends without reading all of it has had enough.
        }
    }

    static async Task DrainAsync(Stream stream, LastBytes kept, CancellationToken cancel)
    {
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancel)) > 0)
            kept.Append(buffer.AsMemory(0, read));
    }
}
