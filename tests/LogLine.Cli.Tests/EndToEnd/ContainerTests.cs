using System.Text;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>The commands made of the catalogue, on a real engine.</summary>
public sealed class ContainerTests(GatewayProcess gateway)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AContainer_IsMadeUsedAndRemoved()
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        member.Terminal["LOGLINE_TARGET"] = "podman";
        var name = member.Name;
        Task<Spoken> DoAsync(string act, params string[] more) => member.RunAsync(["container", act, name, .. more]);
        async Task<string?> StateAsync() => (await DoAsync("inspect", "--json")).Expect(0).Json.Member("result").Member("container").Text("state");
        try
        {
            (await DoAsync("create", "--image", image, "--with-env", "GREETING=hello", "--with-env", "A=b=c", "--", "/bin/sh", "-c", "echo ready; sleep 600")).Expect(0);
            Assert.Equal("created", await StateAsync());
            (await DoAsync("start")).Expect(0);
            Assert.Equal("running", await StateAsync());

            var exec = (await DoAsync("exec", "--", "/bin/sh", "-c", "echo $GREETING $A; echo beside >&2; exit 7")).Expect(7);
            Assert.Equal("hello b=c\n", exec.Output);
            Assert.Equal("beside\n", exec.Errors);
            var json = (await DoAsync("exec", "--json", "--", "/bin/sh", "-c", "exit 7")).Expect(7).Json;
            Assert.Equal(7, json.Member("result").Integer("exit_code"));
            var piped = await member.Terminal.RunAsync("first\nsecond\n", ["container", "exec", name, "--stdin", "-", "--", "cat"], Cancel);
            Assert.Equal("first\nsecond\n", piped.Expect(0).Output);

            var folder = Directory.CreateDirectory(member.Terminal.At("in"));
            File.WriteAllText(Path.Combine(folder.FullName, "note.txt"), "carried");
            (await DoAsync("copy-to", "--artifact", folder.FullName, "--path", "/tmp")).Expect(0);
            Assert.Equal("carried", (await DoAsync("exec", "--", "cat", "/tmp/note.txt")).Expect(0).Output);
            (await DoAsync("copy-from", "--path", "/tmp/note.txt", "--out", member.Terminal.At("out") + "/")).Expect(0);
            Assert.Equal("carried", File.ReadAllText(member.Terminal.At("out/note.txt"), Encoding.UTF8));

            Assert.Equal("ready\n", (await DoAsync("logs", "--tail", "5")).Expect(0).Output);
            Assert.Contains("/tmp/note.txt", (await DoAsync("diff")).Expect(0).Output);
            Assert.Contains("sleep", (await DoAsync("top")).Expect(0).Output);
            Assert.Contains("memory_bytes", (await DoAsync("stats")).Expect(0).Output);
            Assert.Contains(name, (await member.RunAsync("container", "list", "--state", "running")).Expect(0).Output);

            (await DoAsync("pause")).Expect(0);
            Assert.Contains("409_LIFECYCLE_CONFLICT", (await DoAsync("exec", "--", "true")).Expect(1).Errors);
            (await DoAsync("unpause")).Expect(0);
            (await DoAsync("restart", "--timeout-s", "1")).Expect(0);
            (await DoAsync("kill", "--signal", "SIGKILL")).Expect(0);
            Assert.Equal("stopped", await StateAsync());
            Assert.Contains("status  stopped", System.Text.RegularExpressions.Regex.Replace((await member.RunAsync("status", $"urn:container:dev/{name}")).Expect(0).Output, " +", "  "));
        }
        finally
        {
            await DoAsync("remove", "--force");
        }
        Assert.Equal("deleted", (await member.RunAsync("status", $"urn:container:dev/{name}", "--json")).Expect(0).Json.Text("status"));
        Assert.Contains("404_NOT_FOUND", (await DoAsync("start")).Expect(1).Errors);
    }

    [Theory]
    [InlineData("container start", "<NAME> is missing")]
    [InlineData("container", "It is not said what to do: ")]
    [InlineData("container begin web", "There is no command 'begin' in 'container': ")]
    [InlineData("begin", "There is no command 'begin': init, ")]
    [InlineData("runs --limit many", "--limit is 'many'; it is a whole number")]
    [InlineData("container start web", "LOGLINE_TARGET")]
    [InlineData("container start Web --target podman", "is no name")]
    [InlineData("container create web --target podman", "--image")]
    [InlineData("container create web --image x --with-env novalue --target podman", "KEY=VALUE")]
    [InlineData("container create web --image x --ports [1, --target podman", "--ports")]
    [InlineData("container list --state asleep --target podman", "created, running, paused, stopped")]
    [InlineData("container start web --wait 99 --target podman", "--wait is a whole number of seconds from 0 to 60, not '99'")]
    [InlineData("container stop web --timeout-s soon --target podman", "soon")]
    public async Task WrongCommandLine_SaysWhatIsWrong(string command, string reason)
    {
        using var member = await Member.JoinAsync(gateway);

        Assert.Contains(reason, (await member.RunAsync(command.Split(' '))).Expect(2).Errors);
    }

    [Fact]
    public async Task WhatNeedsNoEngine_IsRecorded()
    {
        using var member = await Member.JoinAsync(gateway);

        Assert.Contains("Recorded session.create", (await member.RunAsync("session", "create", member.Name, "--purpose", "a test")).Expect(0).Output);
        Assert.Equal("open", (await member.RunAsync("status", $"urn:session:dev/{member.Name}", "--json")).Expect(0).Json.Member("fields").Text("status"));
    }

    [Fact]
    public async Task FileThatIsNotThere_IsSaid()
    {
        using var member = await Member.JoinAsync(gateway);

        Assert.Contains("nowhere", (await member.RunAsync("container", "copy-to", "web", "--artifact", member.Terminal.At("nowhere"), "--path", "/tmp", "--target", "podman")).Expect(1).Errors);
        Assert.Contains("nowhere", (await member.RunAsync("container", "exec", "web", "--stdin", member.Terminal.At("nowhere"), "--target", "podman", "--", "cat")).Expect(1).Errors);
    }
}
