using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>What a command line is handed: arguments are public, so no value of a variable is among them. The program in between writes down what it got.</summary>
public sealed class SecretArgumentTests : IDisposable
{
    private const string Secret = "hunter2-hunter2";

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-arguments-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The gateway is killed while a command line works for it: what it had to read lies there, and the next start takes it away.</summary>
    [Fact]
    public async Task KilledInTheMiddleOfACommand_TheNextStartSweeps()
    {
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, $$$"""
            #!/bin/sh
            case $1 in
                version) echo '{"Client":{"Version":"v2.0.0"}}' ;;
                create) [ -e {{{_folder}}}/pid ] && exit 1; echo $$ > {{{_folder}}}/pid.new; mv {{{_folder}}}/pid.new {{{_folder}}}/pid; exec sleep 600 ;;
                *) echo 'no such container' >&2; exit 1 ;;
            esac
            """, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        var settings = new Dictionary<string, string> { ["LogLine__Engines__Nerdctl__Binary"] = program };
        var secret = Guid.NewGuid().ToString("N");
        var data = Path.Combine(_folder, "data");
        string left;
        await using (var gateway = await GatewayProcess.StartAsync(settings, data))
        {
            var created = await gateway.PostAsync($$"""{"intent":"container.create","subject":"urn:container:dev/web","payload":{"target":{"provider":"nerdctl"},"name":"web","image":"a:1","env":{"PASSWORD":"{{secret}}"} } }""");
            Assert.True(created.Status == System.Net.HttpStatusCode.OK, created.Body);
            await Patience.UntilAsync("the command", () => File.Exists(Path.Combine(_folder, "pid")));
            gateway.Signal("KILL");
            await gateway.EndAsync();
            left = Directory.EnumerateDirectories(WorkFolder.Memory, "logline-work-*").Select(folder => Path.Combine(folder, "env")).Single(file => Holds(file, secret));
        }
        using (var end = System.Diagnostics.Process.Start("kill", ["-KILL", (await File.ReadAllTextAsync(Path.Combine(_folder, "pid"), TestContext.Current.CancellationToken)).Trim()]))
        {
            await end.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await using var next = await GatewayProcess.StartAsync(settings, data);
        await Patience.UntilAsync("the end of what was left", () => !File.Exists(left));
        Assert.False(File.Exists(Path.GetDirectoryName(left) + ".lock"));
    }

    // Others come and go while it is looked at.
    private static bool Holds(string file, string text)
    {
        try
        {
            return File.ReadAllText(file).Contains(text, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Variables_AreInTheFile_AndInNoArgumentAndNoEnvironment()
    {
        // "$@" as it came, what stands in the file behind --env-file, and every variable of its own.
        var program = Path.Combine(_folder, "nerdctl");
        await File.WriteAllTextAsync(program, $$$"""
            #!/bin/sh
            [ "$1" = version ] && { echo '{"Client":{"Version":"v2.0.0"}}'; exit 0; }
            { printf 'arg:%s\n' "$@"; env | sed 's/^/env:/'; } >> {{{_folder}}}/seen
            while [ $# -gt 0 ]; do [ "$1" = --env-file ] && sed 's/^/file:/' "$2" >> {{{_folder}}}/seen; shift; done
            echo 0123
            """, TestContext.Current.CancellationToken);
        // Through the shell: a file that was just written is busy while a process that another test starts meanwhile still has it open.
        using var engine = new NerdctlEngine(new NerdctlOptions { Binary = "/bin/sh", Arguments = [program] }, EngineLimits.Default, RegistryCredentials.Of([]), TimeProvider.System);
        var spec = new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_1", Image = "a:1", Env = new Dictionary<string, string> { ["PASSWORD"] = Secret } };

        await engine.CreateAsync("dev-web", ContainerRequests.Of(spec, EngineQuirks.Nerdctl), TestContext.Current.CancellationToken);
        await engine.ExecAsync(
            new ExecOrder("0123", new ExecRequest { Cmd = ["env"], Env = [$"OTHER={Secret}"] }, null, TimeSpan.FromSeconds(30), () => Task.CompletedTask), (_, _) => { }, TestContext.Current.CancellationToken);

        var seen = await File.ReadAllLinesAsync(Path.Combine(_folder, "seen"), Encoding.UTF8, TestContext.Current.CancellationToken);
        Assert.Equal([$"file:PASSWORD={Secret}", $"file:OTHER={Secret}"], seen.Where(line => line.Contains(Secret, StringComparison.Ordinal)));
        var files = seen.Where((line, at) => at > 0 && seen[at - 1] == "arg:--env-file").ToList();
        Assert.Equal(2, files.Count);
        Assert.DoesNotContain(files, file => File.Exists(file["arg:".Length..]));
    }
}
