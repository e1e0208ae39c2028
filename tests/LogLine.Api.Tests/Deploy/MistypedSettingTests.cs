using System.Diagnostics;
using LogLine.Api.Tests.Checkout;
using Microsoft.Extensions.Configuration;

namespace LogLine.Api.Tests.Deploy;

/// <summary>What an operator has mistyped ends the start with one line that names it.</summary>
public sealed class MistypedSettingTests
{
    [Theory]
    [InlineData("--dta DIR", "'--dta' is no option")]
    [InlineData("serve --data DIR", "'serve' is no option")]
    [InlineData("--LogLine__Role worker", "'--LogLine__Role' is no option")]
    [InlineData("--LOGLINE_DTA=DIR", "'--LOGLINE_DTA' is no option")]
    [InlineData("--LOGLINE__ROLE worker", "'--LOGLINE__ROLE' is no option")]
    [InlineData("--DOCKER_HOST=unix:///x.sock", "'--DOCKER_HOST' is no option")]
    [InlineData("--data", "--data has no value")]
    [InlineData("-data=DIR", "'-data' is no option")]
    [InlineData("-LogLine:Role=worker", "'-LogLine:Role' is no option")]
    [InlineData("role=worker", "'role' is no option")]
    [InlineData("--data DIR --LogLine:Runner:DrainTime=00:00:09", "'LogLine:Runner:DrainTime' is no setting; in LogLine:Runner there are DrainSeconds, ")]
    [InlineData("--data DIR --LogLine:IsWorker=true", "'LogLine:IsWorker' is no setting")]
    [InlineData("--data DIR --LogLine:Engines:Registries:0:Hots=x", "'LogLine:Engines:Registries:0:Hots' is no setting; in LogLine:Engines:Registries:0 there are CredentialsFile, Host.")]
    [InlineData("--data DIR --LogLine:Store:Kind=x", "LogLine:Store is a value")]
    [InlineData("--data DIR --LogLine:logs:format=xml", "LogLine:Logs:Format is 'xml'")]
    [InlineData("--data DIR --LogLine:Wroker:Gateway=http://x:1", "'LogLine:Wroker:Gateway' is no setting; in LogLine there are Artifacts, ")]
    [InlineData("--data DIR --LogLine:Runner:Drain=1", "'LogLine:Runner:Drain' is no setting; in LogLine:Runner there are DrainSeconds, ")]
    [InlineData("--data DIR --LogLine:Runner:DrainSeconds=soon", "'LogLine:Runner:DrainSeconds'")]
    [InlineData("--data DIR --urls http://127.0.0.1:99999", "'http://127.0.0.1:99999'")]
    [InlineData("--data DIR --urls 5080", "'5080'")]
    public async Task MistypedStart_IsRefusedInOneLine(string line, string reason)
    {
        var folder = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));

        var (code, output, errors) = await RunAsync(line.Replace("DIR", folder, StringComparison.Ordinal).Split(' '));
        Assert.True(code == 1, $"{code}\n{output}\n{errors}");
        Assert.Contains(reason, errors);
        Assert.Equal("", output);
        Assert.DoesNotContain("   at ", errors);
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>What the host reads is taken in every form that it reads.</summary>
    [Theory]
    [InlineData("--shutdownTimeoutSeconds 9 --AllowedHosts=* --detailedErrors true --WebRoot x")]
    [InlineData("data=x urls=http://127.0.0.1:0 LogLine:Role=worker")]
    [InlineData("/data x /urls=http://127.0.0.1:0 /role worker OTEL_SERVICE_NAME=x")]
    [InlineData("--LOGLINE_DATA=x --LOGLINE_SECRETS y")]
    public void WhatTheHostReads_IsTaken(string line) => SettingNames.Require(line.Split(' '));

    /// <summary>On the command line it is what it is in the environment, where <c>--data</c> goes before it too.</summary>
    [Theory]
    [InlineData("--LOGLINE_DATA=x", "x"), InlineData("--logline_data x", "x"), InlineData("--LOGLINE_DATA=x --data y", "y")]
    public void DataFolder_IsTheOneThatIsNamed(string line, string folder) => Assert.Equal(folder, GatewayOptions.Read(new ConfigurationManager(), line.Split(' ')).Data);

    /// <summary>The binder does not care for case either.</summary>
    [Theory]
    [InlineData("LOGLINE:LOGS:FORMAT", null), InlineData("logline:engines:registries:0:host", null), InlineData("logline:logs:formt", "'LogLine:logs:formt' is no setting; in LogLine:Logs there are Format.")]
    public void Case_IsNoMatter(string name, string? reason) =>
        Assert.Equal(reason, Record.Exception(() => SettingNames.Require(new ConfigurationBuilder().AddInMemoryCollection([new(name, "x")]).Build()))?.Message);

    [Fact]
    public async Task Help_ServesNothing()
    {
        var (code, output, errors) = await RunAsync("--help");
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("--data DIR", output);
    }

    /// <summary>Pages, Compose file and manifests name no setting that there is not.</summary>
    [Fact]
    public void SettingsOfThePages_AreThere()
    {
        var names = Directory.EnumerateFiles(Repository.At("docs"), "*.md").Concat(Directory.EnumerateFiles(Repository.At("deploy"), "*.yaml", SearchOption.AllDirectories)).Append(Repository.At("docker-compose.yml"))
            .SelectMany(file => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(file), "LogLine(?:(?::|__)[A-Za-z0-9]+)+").Select(match => match.Value.Replace("__", ":", StringComparison.Ordinal))).Distinct().ToList();

        Assert.Contains("LogLine:Runner:SecretsPath", names);
        Assert.All(names, name => SettingNames.Require(new ConfigurationBuilder().AddInMemoryCollection([new(name, "x")]).Build()));
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "LogLine.Api"), args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        // What is not refused serves until somebody ends it.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
