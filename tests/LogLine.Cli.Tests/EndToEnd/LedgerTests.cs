using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class LedgerTests(GatewayProcess gateway)
{
    private const string Person = """{"intent":"registry.person.create","subject":"urn:registry:person/SLUG","payload":{"name":"Ana","email":"ana@example.org","country":"PT","consent":true}}""";

    [Fact]
    public async Task FetchedReceipt_VerifiesOfflineAndAFlippedBitIsNoticed()
    {
        using var member = await Member.JoinAsync(gateway);
        var applied = (await member.RunAsync("minicontainer", "apply", member.Manifest(), "--json")).Expect(0).Json.Text("this")!;
        var file = member.Terminal.At("receipt.json");
        (await member.RunAsync("receipts", "get", applied, "--out", file)).Expect(0);
        member.Terminal["LOGLINE_URL"] = "http://127.0.0.1:9";
        (await member.RunAsync("receipts", "verify", file)).Expect(0);
        var root = File.ReadAllText(file).IndexOf("\"root_hash\":\"sha256:", StringComparison.Ordinal) + 20;
        var bytes = File.ReadAllBytes(file);
        bytes[root] = bytes[root] == '0' ? (byte)'1' : (byte)'0';
        File.WriteAllBytes(file, bytes);
        Assert.Contains("root_hash", (await member.RunAsync("receipts", "verify", file)).Expect(1).Errors);
    }

    [Fact]
    public async Task EveryWrite_LeavesAReceiptThatHolds()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        (await member.RunAsync("wallet", "prove", "deploy.allow", "--deny")).Expect(0);
        var said = (await member.RunAsync("receipts", "verify", "--all", "--json")).Expect(0);
        Assert.Equal(3, said.Json.GetProperty("receipts").GetArrayLength());
    }

    [Fact]
    public async Task UnknownSpan_IsNotFound()
    {
        using var member = await Member.JoinAsync(gateway);
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("receipts", "get", Guid.NewGuid().ToString("D"))).Expect(1).Errors);
    }

    [Fact]
    public async Task SentSpan_IsRepairedOnceAndReplayedWithTheSameKey()
    {
        using var member = await Member.JoinAsync(gateway);
        var file = member.Terminal.Write("span.json", Person.Replace("SLUG", member.Name, StringComparison.Ordinal));
        var first = (await member.RunAsync("spans", "send", file, "--idempotency-key", member.Name, "--json")).Expect(0).Json;
        var again = (await member.RunAsync("spans", "send", file, "--idempotency-key", member.Name, "--json")).Expect(0).Json;
        Assert.Contains("this", first.Texts("repaired"));
        Assert.Equal(first.Text("this"), again.Text("this"));
        Assert.True(again.GetProperty("replayed").GetBoolean());
        var other = member.Terminal.Write("other.json", Person.Replace("SLUG", member.Name + "x", StringComparison.Ordinal));
        Assert.Contains("409_IDEMPOTENCY_CONFLICT", (await member.RunAsync("spans", "send", other, "--idempotency-key", member.Name)).Expect(1).Errors);
    }

    [Fact]
    public async Task ArrayWithABadSpan_SaysWhichAndExitsWithOne()
    {
        using var member = await Member.JoinAsync(gateway);
        var good = Person.Replace("SLUG", member.Name, StringComparison.Ordinal);
        var file = member.Terminal.Write("spans.json", $$"""[{{good}},{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{ } }]""");
        var said = (await member.RunAsync("spans", "send", file)).Expect(1);
        Assert.Contains("ok  urn:span:", said.Output);
        Assert.Contains("NO  422_TDLN_INVALID", said.Output);
        Assert.Contains("payload.name", said.Output);
    }

    [Fact]
    public async Task SubjectStatus_ShowsItsPresentState()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var said = (await member.RunAsync("status", member.Subject, "--no-stream", "--json")).Expect(0);
        Assert.Equal((member.Subject, "present", true), (said.Json.Text("subject"), said.Json.Text("status"), said.Json.Flag("complete")));
        Assert.Equal(["minicontainer.applied", "minicontainer.apply"], said.Json.Member("intents").EnumerateObject().Select(intent => intent.Name).OrderDescending(StringComparer.Ordinal).Reverse());
        Assert.Contains("has no span about", (await member.RunAsync("status", "urn:minicontainer:dev/never")).Expect(1).Errors);
    }

    [Theory]
    [InlineData]
    [InlineData("--no-stream")]
    public async Task WatchedSubject_ShowsWhatComesUntilCtrlC(params string[] how)
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var output = new StopAfter(stop, lines: 4);
        var watching = member.Terminal.RunAsync("", ["status", member.Subject, "--watch", "--json", .. how], stop.Token, output);
        await output.FirstLine;
        (await member.RunAsync("wallet", "prove", "deploy.allow")).Expect(0);
        (await watching).Expect(130);
        Assert.Equal(["minicontainer.apply", "minicontainer.applied", "wallet.proof.submit", "wallet.proof.verified"],
            output.Lines.Select(line => line.GetProperty("span").Text("intent")));
    }
}
