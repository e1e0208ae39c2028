using System.CommandLine;

namespace LogLine.Cli.Tests.Commands;

public sealed class UsageTests : IDisposable
{
    private readonly Terminal _terminal = new();

    public static TheoryData<string> Leaves()
    {
        var data = new TheoryData<string>();
        using var nowhere = new StringWriter();
        Collect(Contents.Root(new Shell { Input = Stream.Null, Output = nowhere, Errors = nowhere, Variable = _ => null }), "", data);
        return data;
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public async Task HelpOfEveryCommand_IsThere(string command)
    {
        var said = (await _terminal.RunAsync([.. command.Split(' '), "--help"])).Expect(0);
        Assert.Contains("Usage:", said.Output);
        Assert.Empty(said.Errors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("deploy")]
    [InlineData("deploy up")]
    [InlineData("deploy up --target podman:svc=web --wait 61")]
    [InlineData("deploy up --target podman:svc=web --wait soon")]
    [InlineData("nonsense")]
    [InlineData("receipts verify")]
    [InlineData("receipts get not-a-span")]
    [InlineData("status web")]
    [InlineData("wallet prove deploy.allow --env nowhere")]
    [InlineData("wallet prove deploy.allow --ref mc:dev/web@blake3:short")]
    [InlineData("wallet prove deploy.allow --ttl 16m")]
    [InlineData("deploy cancel web")]
    [InlineData("deploy stop web --target podman:svc=web")]
    [InlineData("init --kid a/b")]
    [InlineData("whoami --profile A")]
    public async Task WrongCommandLine_ExitsWithTwo(string command)
    {
        _terminal["LOGLINE_URL"] = "http://127.0.0.1:9";
        _terminal["LOGLINE_TOKEN"] = "t";
        _terminal["LOGLINE_TENANT"] = "dev";
        if (command == "receipts verify")
        {
            command += " --key " + TestLog.PublicKey;
        }
        var said = (await _terminal.RunAsync(command.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Expect(2);
        Assert.Empty(said.Output);
        Assert.StartsWith("logline: ", said.Errors);
    }

    [Fact]
    public async Task WrongCommandLineWithJson_IsADocument()
    {
        var said = (await _terminal.RunAsync("deploy", "up", "--json")).Expect(2);
        Assert.Equal("usage", said.Json.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("logline deploy up --help", said.Json.GetProperty("error").GetProperty("next").GetString());
    }

    [Fact]
    public async Task NothingConfigured_SaysHowToBegin()
    {
        var said = (await _terminal.RunAsync("whoami")).Expect(1);
        Assert.Contains("logline init --bootstrap", said.Errors);
        Assert.Empty(said.Output);
    }

    [Fact]
    public async Task NobodyListens_SaysWhereAndWhatToDo()
    {
        (_terminal["LOGLINE_URL"], _terminal["LOGLINE_TOKEN"]) = ("http://127.0.0.1:9", "tok_secret_123");
        var said = (await _terminal.RunAsync("whoami", "--json")).Expect(1);
        var error = said.Json.GetProperty("error");
        Assert.Equal("network", error.GetProperty("code").GetString());
        Assert.Contains("http://127.0.0.1:9", error.GetProperty("message").GetString());
        Assert.Contains("--url", error.GetProperty("next").GetString());
        Assert.DoesNotContain("tok_secret_123", said.Output + said.Errors);
    }

    [Fact]
    public async Task PipedOutput_HasNoColours()
    {
        Assert.DoesNotContain('\e', (await _terminal.RunAsync("whoami")).Errors);
        _terminal.IsTerminal = true;
        Assert.Contains('\e', (await _terminal.RunAsync("whoami")).Errors);
        _terminal["NO_COLOR"] = "1";
        Assert.DoesNotContain('\e', (await _terminal.RunAsync("whoami")).Errors);
    }

    public void Dispose() => _terminal.Dispose();

    private static void Collect(Command command, string path, TheoryData<string> data)
    {
        foreach (var inner in command.Subcommands)
        {
            var name = path.Length == 0 ? inner.Name : $"{path} {inner.Name}";
            data.Add(name);
            Collect(inner, name, data);
        }
    }
}
