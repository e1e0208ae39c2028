using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class ReadingTests(GatewayProcess gateway)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Catalogue_HasAnExampleThatCanBeSent()
    {
        using var member = await Member.JoinAsync(gateway);
        Assert.Contains("registry.person.create", (await member.RunAsync("catalog")).Expect(0).Output);
        Assert.Contains("* email", (await member.RunAsync("catalog", "registry.person.create")).Expect(0).Output);
        Assert.All((await member.RunAsync("catalog", "run", "--json")).Expect(0).Json.Items("items"), item => Assert.StartsWith("run.", item.Text("intent")));
        var example = (await member.RunAsync("catalog", "registry.person.create", "--example")).Expect(0).Output;
        (await member.Terminal.RunAsync(example, ["spans", "send", "-"], Cancel)).Expect(0);
        (await member.RunAsync("catalog", "no.such")).Expect(2);
        (await member.RunAsync("catalog", "container", "--example")).Expect(2);
    }

    [Fact]
    public async Task Sentence_SaysWhatItMeansAndDoesItWhenAsked()
    {
        using var member = await Member.JoinAsync(gateway);
        string[] sentence = ["universal", $"create person John Doe, email {member.Name}@ex.com, country pt, consent yes"];
        var means = (await member.RunAsync(sentence)).Expect(0);
        Assert.Contains("Means: registry.person.create", means.Output);
        Assert.Contains("--apply", means.Errors);
        Assert.DoesNotContain(member.Name, (await member.RunAsync("spans", "query", "--intent", "registry.person.create", "--json")).Expect(0).Output);

        Assert.Contains("Done: registry.person.create", (await member.RunAsync([.. sentence, "--apply"])).Expect(0).Output);
        Assert.Contains(member.Name, (await member.RunAsync("spans", "query", "--intent", "registry.person.create", "--since", "10m", "--json")).Expect(0).Output);

        var asks = (await member.RunAsync("universal", "create person John Doe")).Expect(1);
        Assert.Contains("email", asks.Errors);
    }

    [Fact]
    public async Task Tail_BeginsBehindACursor()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        using var stop = new CancellationTokenSource();
        using var output = new StopAfter(stop, lines: 1);
        await member.Terminal.RunAsync("", ["spans", "tail", "--subject", member.Subject, "--after", "0", "--json"], stop.Token, output);
        Assert.Equal("minicontainer.apply", output.Lines.First().Member("span").Text("intent"));
    }

    [Fact]
    public async Task Login_RemembersATokenThatNobodySaw()
    {
        using var owner = await Member.JoinAsync(gateway);
        var token = (await owner.RunAsync("tokens", "create", "--scope", "read", "--json")).Expect(0).Json.Text("api_key")!;
        var url = System.Text.Json.JsonDocument.Parse(File.ReadAllText(gateway.BootstrapFile)).RootElement.Text("base_url")!;
        using var guest = new Terminal { Time = TimeProvider.System };
        var said = (await guest.RunAsync(token + "\n", ["login", "--url", url, "--token-stdin", "--json"], Cancel)).Expect(0);
        Assert.DoesNotContain(token, said.Output + said.Errors);
        Assert.Equal("dev", said.Json.Text("tenant"));
        (await guest.RunAsync("runs")).Expect(0);
        Assert.Contains("403_FORBIDDEN", (await guest.RunAsync("universal", "create person A B, email a@b.pt, country pt, consent yes", "--apply")).Expect(1).Errors);
        (await guest.RunAsync("ll_wrong\n", ["login", "--url", url, "--token-stdin", "--profile", "other"], Cancel)).Expect(1);
        (await guest.RunAsync("runs", "--profile", "other")).Expect(1);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Completion_AsksTheProgramItself(string shell)
    {
        using var terminal = new Terminal();
        Assert.Contains("[suggest:", (await terminal.RunAsync("completion", shell)).Expect(0).Output);
        Assert.Contains("whoami", (await terminal.RunAsync("[suggest:9]", "logline w")).Expect(0).Output);
    }
}
