using System.Text;
using LogLine.Cli.Commands.Deploy;
using LogLine.Cli.Commands.Wallet;

namespace LogLine.Cli.Tests.Commands;

public sealed class TargetSyntaxTests
{
    [Theory]
    [InlineData("podman:svc=web", """{"provider":"podman","service":"web"}""")]
    [InlineData("railway:proj=rw1,svc=web", """{"project_id":"rw1","provider":"railway","service":"web"}""")]
    [InlineData("railway:proj=rw1,env=e1,svc=web", """{"environment_id":"e1","project_id":"rw1","provider":"railway","service":"web"}""")]
    [InlineData("kubernetes:ctx=k,ns=n,svc=web", """{"context":"k","namespace":"n","provider":"kubernetes","service":"web"}""")]
    [InlineData("docker:ep=big,service=web", """{"endpoint":"big","provider":"docker","service":"web"}""")]
    [InlineData("podman", """{"provider":"podman"}""")]
    public void Target_IsTheContractsObject(string text, string expected)
    {
        Assert.False(TargetSyntax.Parse(text).Fails(out _, out var target));
        Assert.Equal(expected, Encoding.UTF8.GetString(target!.Utf8.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":svc=web")]
    [InlineData("Podman:svc=web")]
    [InlineData("podman:")]
    [InlineData("podman:svc")]
    [InlineData("podman:svc=")]
    [InlineData("podman:svc=a,svc=b")]
    [InlineData("podman:svc=a,service=b")]
    [InlineData("podman:sock=/run/x")]
    public void WrongTarget_IsUsageAndShowsARightOne(string text)
    {
        Assert.True(TargetSyntax.Parse(text).Fails(out var failure, out _));
        Assert.Equal(2, failure.ExitCode);
        Assert.Contains("podman:svc=web", failure.Next);
    }

    [Theory]
    [InlineData("30s", 30)]
    [InlineData("10m", 600)]
    [InlineData("1h", 3600)]
    public void Lifetime_IsANumberWithAUnit(string text, int seconds)
    {
        Assert.True(Lifetime.TryParse(text, out var life));
        Assert.Equal(TimeSpan.FromSeconds(seconds), life);
    }

    [Theory]
    [InlineData("10")]
    [InlineData("m")]
    [InlineData("0m")]
    [InlineData("-1m")]
    [InlineData("1.5m")]
    [InlineData("10 m")]
    public void WrongLifetime_IsRefused(string text) => Assert.False(Lifetime.TryParse(text, out _));
}
