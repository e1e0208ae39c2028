using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LogLine.Cli.Outcomes;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>The program as a shell starts it.</summary>
public sealed class ProcessTests(GatewayProcess gateway) : IDisposable
{
    private readonly Terminal _terminal = new();

    [Theory]
    [InlineData(0, "--help")]
    [InlineData(0, "--version")]
    [InlineData(2, "deploy", "up")]
    [InlineData(2, "no-such-command")]
    [InlineData(1, "whoami")]
    public async Task ExitCode_ReachesTheShell(int expected, params string[] args)
    {
        var (code, output, errors) = await StartAsync("", args);
        Assert.True(code == expected, $"{code}\n{output}\n{errors}");
        Assert.DoesNotContain('\e', output + errors);
    }

    [Fact]
    public async Task StandardInputAndOutput_AreUtf8WithoutAMark()
    {
        var (code, output, _) = await StartAsync("""{"type":"ll.minicontainer.v1","nome":"maçã"}""", "minicontainer", "verify", "-", "--json");
        Assert.Equal(1, code);
        Assert.StartsWith("{", output);
        var faults = JsonDocument.Parse(output).RootElement.Items("checks").SelectMany(check => check.Items("faults")).ToList();
        Assert.Contains(faults, fault => fault.Text("path") == "/nome");
        Assert.Contains(faults, fault => fault.Text("path") == "/owner");
    }

    [Fact]
    public async Task MissingUnicodeData_IsRefusedWithTheRemedy()
    {
        var (code, _, errors) = await StartAsync("{}", ["minicontainer", "verify", "-"], ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"));
        Assert.Equal(1, code);
        Assert.Contains("ICU", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    /// <summary>The stream has nothing more to say: without somebody who notices, the command would wait for the next event.</summary>
    [Theory]
    [InlineData("spans tail --after 0 --json")]
    [InlineData("status urn:wallet:dev --watch --json")]
    [InlineData("status urn:wallet:dev --watch --no-stream --json")]
    public async Task ReaderThatGoes_EndsAStreamQuietly(string command)
    {
        (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile)).Expect(0);
        var start = new ProcessStartInfo("bash", ["-c", $"'{Path.Combine(AppContext.BaseDirectory, "logline")}' {command} | head -n 1; exit ${{PIPESTATUS[0]}}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LOGLINE_HOME"] = _terminal.Home;
        using var process = Process.Start(start)!;
        var stop = TestContext.Current.CancellationToken;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop)).WaitAsync(TimeSpan.FromMinutes(2), stop);
        await process.WaitForExitAsync(stop);
        Assert.Equal((ExitCodes.Unread, ""), (process.ExitCode, said[1]));
        Assert.StartsWith("{\"event\":\"span\"", said[0]);
    }

    public void Dispose() => _terminal.Dispose();

    private Task<(int Code, string Output, string Errors)> StartAsync(string input, params string[] args) => StartAsync(input, args, ("NO_COLOR", ""));

    private async Task<(int Code, string Output, string Errors)> StartAsync(string input, string[] args, (string Name, string Value) variable)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "logline"), args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false, throwOnInvalidBytes: true),
            StandardInputEncoding = new UTF8Encoding(false),
        };
        start.Environment["LOGLINE_HOME"] = _terminal.Home;
        start.Environment[variable.Name] = variable.Value;
        using var process = Process.Start(start)!;
        var stop = TestContext.Current.CancellationToken;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading what it was to read: its exit code and its words say why.
        }
        await process.WaitForExitAsync(stop);
        return (process.ExitCode, await output, await errors);
    }
}
