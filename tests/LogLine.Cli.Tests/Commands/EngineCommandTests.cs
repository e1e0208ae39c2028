using LogLine.Protocol.Json;
using Microsoft.AspNetCore.Http;

namespace LogLine.Cli.Tests.Commands;

/// <summary>What the commands of the catalogue send, and what they make of the run that comes back.</summary>
public sealed class EngineCommandTests : IDisposable
{
    private const string Artifact = "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private readonly Terminal _terminal = new();

    [Fact]
    public async Task CreateWithoutACommand_LeavesItToTheImage()
    {
        await using var gateway = await StartAsync("""{"state":"exited","exit_code":0,"result":{"name":"web","state":"created"}}""");

        Assert.Contains("created", (await RunAsync("container create web --image x")).Expect(0).Output);
        Assert.Equal("""{"image":"x","kind":"container/create.v1","name":"web","target":{"provider":"podman"}}""", Assert.Single(gateway.Writes).Span.Payload.GetRawText());
    }

    [Theory]
    [InlineData("container create web --image x --wrong", "--wrong")]
    [InlineData("container exec web ls -l", "-l")]
    [InlineData("container exec web --timout-s 5 -- ls", "--timout-s")]
    [InlineData("status --wach run_1", "--wach")]
    public async Task MistypedOption_IsNoArgument(string command, string option)
    {
        await using var gateway = await StartAsync("""{"state":"exited"}""");

        var said = (await RunAsync(command)).Expect(2);
        Assert.Contains($"There is no option '{option}'", said.Errors);
        Assert.Contains("behind --", said.Errors);
        Assert.Empty(gateway.Writes);
    }

    [Fact]
    public async Task OptionsBehindTheDashes_AreTheCommands()
    {
        await using var gateway = await StartAsync("""{"state":"exited","exit_code":0,"result":{"exit_code":0,"stdout":"","stderr":""}}""");

        (await RunAsync("container exec web -- ls --json -l -- -")).Expect(0);
        Assert.Equal(["ls", "--json", "-l", "--", "-"], Assert.Single(gateway.Writes).Span.Payload.Texts("argv"));
    }

    [Fact]
    public async Task BuildThatFails_ExitsWithOne()
    {
        await using var gateway = await StartAsync("""{"state":"exited","exit_code":1,"result":{"image":"localhost/dev/a:1","output":"Step 1\n","error":"RUN false ended with 1"}}""");

        var said = (await RunAsync($"image build --artifact {Artifact} --tag a:1")).Expect(1);
        Assert.Contains("Step 1", said.Output);
        Assert.Contains("exited: RUN false ended with 1", said.Errors);
        Assert.Equal("RUN false ended with 1", (await RunAsync($"image build --artifact {Artifact} --tag a:1 --json")).Expect(1).Json.Member("result").Text("error"));
    }

    [Theory]
    [InlineData("\"timed_out\":true,\"killed\":true", "it was killed; --timeout-s")]
    [InlineData("\"timed_out\":true,\"killed\":false", "goes on in the container")]
    [InlineData("\"truncated\":true", "more than fits")]
    public async Task WhatTheOutputOfACommandDoesNotSay_IsSaidBesideIt(string facts, string said)
    {
        await using var gateway = await StartAsync($$"""{"state":"exited","exit_code":9,"result":{"exit_code":9,"stdout":"out","stderr":"",{{facts}} } }""");

        var spoken = (await RunAsync("container exec web -- true")).Expect(9);
        Assert.Equal("out", spoken.Output);
        Assert.Contains(said, spoken.Errors);
    }

    [Theory]
    [InlineData("""{"lines":["one","two"],"dropped":7,"truncated":true}""", "one\ntwo\n", "dropped  7\n… there is more than fits.\n")]
    [InlineData("""{"lines":[],"dropped":0,"truncated":false}""", "", "")]
    public async Task Log_IsItsLinesAlone(string result, string output, string errors)
    {
        await using var gateway = await StartAsync($$"""{"state":"exited","exit_code":0,"result":{{result}} }""");

        var said = (await RunAsync("container logs web")).Expect(0);
        Assert.Equal((output, errors), (said.Output, said.Errors));
    }

    [Fact]
    public async Task RunThatIsNotWaitedFor_IsNoComplaint()
    {
        await using var gateway = await StartAsync("""{"state":"running"}""");

        var said = (await RunAsync("container exec web --wait 0 -- true")).Expect(0);
        Assert.Contains("logline status run_abc --watch", said.Output);
        Assert.Empty(said.Errors);
    }

    [Fact]
    public async Task OutInAFolderThatIsNotThere_IsRefusedBeforeAnythingIsDone()
    {
        await using var gateway = await StartAsync("""{"state":"exited"}""");

        Assert.Contains("There is no folder", (await RunAsync($"image save --image x --out {_terminal.At("nowhere")}/x.tar")).Expect(1).Errors);
        Assert.Empty(gateway.Writes);
    }

    [Fact]
    public async Task OutOfARunThatGoesOn_IsNotThere()
    {
        await using var gateway = await StartAsync("""{"state":"running"}""");

        Assert.Contains("is not written: the run run_abc goes on", (await RunAsync($"image save --image x --out {_terminal.At("x.tar")} --wait 0")).Expect(1).Errors);
    }

    /// <summary>The gateway waits first, as long as it was asked to; what it leaves of that is waited here.</summary>
    [Theory, InlineData(30, 1), InlineData(0, 2)]
    public async Task Wait_IsNotWaitedTwice(int atTheGateway, int looks)
    {
        const string Run = "/v1/runs/run_abc";
        var time = (HurriedTime)_terminal.Time;
        await using var gateway = await FaultyGateway.StartAsync((http, received, earlier) =>
        {
            if (received.Method == HttpMethods.Get)
            {
                return received.Target == Run ? FaultyGateway.Json(http, earlier == 0 ? """{"state":"running"}""" : """{"state":"exited"}""") : FaultyGateway.Problem(http, "403_FORBIDDEN", "no");
            }
            time.Advance(TimeSpan.FromSeconds(atTheGateway));
            return FaultyGateway.Ack(http, received, Planned);
        });
        gateway.Enrol(_terminal);
        _terminal["LOGLINE_TARGET"] = "podman";

        (await RunAsync("container exec web --wait 30 -- true")).Expect(0);
        Assert.Equal(looks, gateway.Requests.Count(request => request.Target == Run));
    }

    [Theory]
    [InlineData("cleanup apply --plan-digest")]
    [InlineData("system prune --plan-digest")]
    public async Task RemovalThatLeftSomething_ExitsWithOne(string command)
    {
        await using var gateway = await StartAsync("""{"state":"exited","exit_code":1,"result":{"plan":[],"applied":true,"removed":[],"failed":[{"removable":{"kind":"container","name":"web","id":"1"},"why":"in use"}]}}""");

        (await RunAsync($"{command} {Artifact}")).Expect(1);
    }

    [Fact]
    public async Task CtrlCBeforeTheAnswer_SaysWhereTheRunIs()
    {
        using var stop = new CancellationTokenSource();
        await using var gateway = await FaultyGateway.StartAsync(async (http, _, _) =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        gateway.Enrol(_terminal);

        var said = (await _terminal.RunAsync("", ["container", "exec", "web", "--target", "podman", "--", "sleep", "30"], stop.Token)).Expect(130);
        Assert.Contains("logline runs --subject urn:container:dev/web", said.Errors);
        Assert.Contains("logline deploy cancel", said.Errors);
    }

    [Theory]
    [InlineData("container list")]
    [InlineData("container list --json")]
    [InlineData("container exec web -- true")]
    public async Task OutputThatTakesNothing_IsNoDefect(string command)
    {
        await using var gateway = await StartAsync("""{"state":"exited","exit_code":0,"result":{"exit_code":0,"stdout":"out","stderr":""}}""");
        await using var full = new StreamWriter(new FullDisk()) { AutoFlush = true };

        var said = (await _terminal.RunAsync("", command.Split(' '), TestContext.Current.CancellationToken, full)).Expect(1);
        Assert.Contains("No space left", said.Errors);
        Assert.DoesNotContain("   at ", said.Errors);
    }

    public void Dispose() => _terminal.Dispose();

    private Task<Spoken> RunAsync(string command) => _terminal.RunAsync(command.Split(' '));

    /// <summary>Takes every span, and shows one run for all.</summary>
    private async Task<FaultyGateway> StartAsync(string run)
    {
        var gateway = await FaultyGateway.StartAsync((http, received, _) => received.Method == HttpMethods.Get
            ? FaultyGateway.Json(http, run)
            : FaultyGateway.Ack(http, received, Planned));
        gateway.Enrol(_terminal);
        _terminal["LOGLINE_TARGET"] = "podman";
        return gateway;
    }

    private static void Planned(System.Text.Json.Utf8JsonWriter json)
    {
        json.WriteStartObject("run");
        json.WriteString("run_id", "run_abc");
        json.WriteString("state", "planned");
        json.WriteEndObject();
    }

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");

        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("No space left on device");
    }
}
