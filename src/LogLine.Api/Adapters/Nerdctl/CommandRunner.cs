using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>How a command ended, and what it said last, never more than was asked for. <paramref name="Dropped"/> counts bytes of standard output that made room.</summary>
internal sealed record CommandResult(int ExitCode, byte[] Output, string Errors, long Dropped);

/// <summary>What goes into a command and what becomes of what comes out; by default nothing goes in, and the last of what comes out is kept.</summary>
internal sealed record CommandStreams
{
    /// <summary>Writes its standard input.</summary>
    public Func<Stream, CancellationToken, Task>? Feed { get; init; }

    /// <summary>Reads its standard output to the end.</summary>
    public Func<Stream, CancellationToken, Task>? Output { get; init; }

    /// <summary>Sees pieces of standard output (1) and error (2) while they come, one at a time.</summary>
    public Action<int, ReadOnlyMemory<byte>>? See { get; init; }

    /// <summary>Variables that it has besides those that every command has.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// So long it has, when it is to end, to see that what it started has ended, and to take away what it worked in: a build of Podman's leaves all of that when it is ended itself. A tenth of it where it has started
    /// nothing, and one that ends well then was done by then. By default it is asked to end at once.
    /// </summary>
    public TimeSpan CleanUp { get; init; }
}

/// <summary>
/// Runs one program with arguments that are a list: no shell, a time limit always, output bounded while it comes. It inherits no input, and of the gateway's variables only those
/// that concern engines. What is still running when its time is over is asked to end, and killed with all that it started when it does not.
/// </summary>
internal sealed class CommandRunner(string program, IReadOnlyList<string> before, TimeProvider time)
{
    const int ErrorBytes = 16 << 10;

    /// <summary>Between being asked to end and being killed.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    static readonly string[] Inherited = ["PATH", "HOME", "USER", "LANG", "TMPDIR", "NETCONFPATH", "DBUS_SESSION_BUS_ADDRESS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    static readonly string[] InheritedGroups = ["XDG_", "CONTAINERD_", "CONTAINERS_", "CONTAINER_", "NERDCTL_", "BUILDKIT_", "CNI_", "ROOTLESSKIT_", "STORAGE_"];

    /// <summary>The program, as it was named.</summary>
    public string Program => program;

    /// <summary>Runs it to its end.</summary>
    /// <param name="args">Its arguments.</param>
    /// <param name="streams">What goes in and what becomes of what comes out.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="maxBytes">How much of its standard output is kept, the last.</param>
    /// <param name="cancel">Kills it.</param>
    /// <exception cref="AdapterException">The program is not there, or its time was over (<see cref="AdapterFailure.Unavailable"/>).</exception>
    public async Task<CommandResult> RunAsync(IReadOnlyList<string> args, CommandStreams streams, TimeSpan limit, int maxBytes, CancellationToken cancel)
    {
        using var process = Start(args, streams.Environment);
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timer.Token);
        var (output, errors, turn) = (new LastBytes(maxBytes), new LastBytes(ErrorBytes), new Lock());
        void Seen(int source, LastBytes kept, ReadOnlyMemory<byte> piece)
        {
            lock (turn)
            {
                kept.Append(piece);
                streams.See?.Invoke(source, piece);
            }
        }
        // A command whose input does not end, or whose output nobody reads any more, would not end either.
        async Task OrEndAllAsync(Task part)
        {
            try
            {
                await part;
            }
            catch
            {
                await either.CancelAsync();
                throw;
            }
        }
        try
        {
            var said = process.StandardOutput.BaseStream;
            await Task.WhenAll(
                OrEndAllAsync(FeedAsync(process, streams.Feed, either.Token)),
                OrEndAllAsync(streams.Output?.Invoke(said, either.Token) ?? DrainAsync(said, piece => Seen(1, output, piece), either.Token)),
                OrEndAllAsync(DrainAsync(process.StandardError.BaseStream, piece => Seen(2, errors, piece), either.Token)));
            await process.WaitForExitAsync(either.Token);
            return new CommandResult(process.ExitCode, output.ToArray(), Encoding.UTF8.GetString(errors.ToArray()).Trim(), output.Dropped);
        }
        catch (OperationCanceledException e)
        {
            // What was asked to end may end well all the same, as if it had done its work.
            if (!await EndAsync(process, streams.CleanUp) && streams.CleanUp > TimeSpan.Zero && process is { HasExited: true, ExitCode: 0 })
                return new CommandResult(0, output.ToArray(), Encoding.UTF8.GetString(errors.ToArray()).Trim(), output.Dropped);
            if (cancel.IsCancellationRequested)
                throw;
            throw new AdapterException(AdapterFailure.Unavailable, $"'{program} {args[0]}' did not end within {limit.TotalSeconds:0.###} s", e);
        }
        finally
        {
            if (!process.HasExited)
                await EndAsync(process, streams.CleanUp);
        }
    }

    /// <summary>Ends a command, and whatever it leaves running. False when nothing of it was asked to end: it was done by then.</summary>
    async Task<bool> EndAsync(Process process, TimeSpan cleanUp)
    {
        // What it still says on its way goes nowhere; if nobody read it, it would wait for that.
        var heard = Task.WhenAll(UnheardAsync(process.StandardOutput.BaseStream), UnheardAsync(process.StandardError.BaseStream));
        await FeedAsync(process, null, CancellationToken.None);
        var (since, ended, asked, below) = (time.GetTimestamp(), process.WaitForExitAsync(CancellationToken.None), new HashSet<StartedProcess>(), new HashSet<StartedProcess>());
        void Ask()
        {
            below.UnionWith(ProcessTree.Below(process.Id));
            // Its own children alone: what they started they end, and a script whose command was ended first would go on with the next one.
            foreach (var child in below.Where(one => one.Parent == process.Id && asked.Add(one)))
                ProcessTree.Terminate(child.Id);
        }
        while (!ended.IsCompleted && time.GetElapsedTime(since) < (asked.Count > 0 ? cleanUp : cleanUp / 10))
        {
            Ask();
            await Task.WhenAny(ended, Task.Delay(Glance, time));
        }
        var endedByItself = ended.IsCompleted && asked.Count == 0;
        if (!ended.IsCompleted)
        {
            Ask();
            ProcessTree.Terminate(process.Id);
            await Task.WhenAny(ended, Task.Delay(Grace, time));
        }
        if (!ended.IsCompleted)
            process.Kill(entireProcessTree: true);
        foreach (var left in below.Where(ProcessTree.IsThere))
            ProcessTree.Kill(left);
        await Task.WhenAny(Task.WhenAll(ended, heard), Task.Delay(Grace, time));
        return !endedByItself;
    }

    static async Task UnheardAsync(Stream stream)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It has ended, or somebody else has its end of the pipe and keeps it.
        }
    }

    Process Start(IReadOnlyList<string> args, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var one in before.Concat(args))
            start.ArgumentList.Add(one);
        foreach (var name in start.Environment.Keys.Where(name => !Inherited.Contains(name, StringComparer.OrdinalIgnoreCase) && !InheritedGroups.Any(group => name.StartsWith(group, StringComparison.Ordinal))).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new AdapterException(AdapterFailure.Unavailable, $"'{program}' cannot be started: {e.Message}. Is it installed, and in PATH? LogLine:Engines:Nerdctl:Binary, or Binary of one of LogLine:Engines:Named, names another.", e);
        }
    }

    static async Task FeedAsync(Process process, Func<Stream, CancellationToken, Task>? feed, CancellationToken cancel)
    {
        try
        {
            if (feed is not null)
                await feed(process.StandardInput.BaseStream, cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A command that ends without reading all of it has had enough.
        }
    }

    static async Task DrainAsync(Stream stream, Action<ReadOnlyMemory<byte>> see, CancellationToken cancel)
    {
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancel)) > 0)
            see(buffer.AsMemory(0, read));
    }
}
