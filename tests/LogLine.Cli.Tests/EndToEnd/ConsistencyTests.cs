using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class ConsistencyTests(GatewayProcess gateway)
{
    [Fact]
    public async Task TwoReceipts_AreOfOneGrowingLog_AndThatIsVerifiedOffline()
    {
        using var member = await Member.JoinAsync(gateway);
        var (old, proof, young) = (await ReceiptAsync(member, "old"), member.Terminal.At("proof.json"), await ReceiptAsync(member, "new"));

        var said = (await member.RunAsync("ledger", "consistency", old, young, "--out", proof)).Expect(0);
        Assert.Contains("is the beginning of that of", said.Output);
        Assert.True((await member.RunAsync("ledger", "consistency", old, "--json")).Expect(0).Json.GetProperty("valid").GetBoolean());

        member.Terminal["LOGLINE_URL"] = "http://127.0.0.1:9";
        Assert.Contains("is the beginning of that of", (await member.RunAsync("receipts", "verify", young, old, "--consistency", proof)).Expect(0).Output);
        Assert.Contains("goes with two receipts", (await member.RunAsync("receipts", "verify", old, "--consistency", proof)).Expect(2).Errors);
        Assert.Contains("from, to", (await member.RunAsync("receipts", "verify", old, old, "--consistency", proof)).Expect(1).Errors);
    }

    [Fact]
    public async Task EveryFlippedBitOfTheProof_IsNoticed()
    {
        using var member = await Member.JoinAsync(gateway);
        var (old, proof, young) = (await ReceiptAsync(member, "old"), member.Terminal.At("proof.json"), await ReceiptAsync(member, "new"));
        (await member.RunAsync("ledger", "consistency", old, young, "--out", proof)).Expect(0);
        var bytes = File.ReadAllBytes(proof);
        // What is proved from receipts needs no checkpoints, so theirs are not looked at.
        var end = System.Text.Encoding.UTF8.GetString(bytes).IndexOf("\"checkpoints\"", StringComparison.Ordinal) - 1;
        for (var at = 0; at < end; at++)
        {
            var flipped = bytes.ToArray();
            flipped[at] ^= 1;
            File.WriteAllBytes(proof, flipped);
            var said = await member.RunAsync("receipts", "verify", old, young, "--consistency", proof);
            Assert.True(said.ExitCode == 1, $"byte {at}: {said.Output}{said.Errors}");
        }
    }

    [Theory]
    [InlineData("0", "/from")]
    [InlineData("999999999", "/from")]
    public async Task SizeThatIsNone_IsNamed(string size, string field)
    {
        using var member = await Member.JoinAsync(gateway);
        Assert.Contains(field, (await member.RunAsync("ledger", "consistency", size)).Expect(1).Errors);
    }

    private static async Task<string> ReceiptAsync(Member member, string name)
    {
        var span = member.Terminal.Write("span.json", $$$"""{"intent":"registry.person.create","subject":"urn:registry:person/{{{member.Name}}}","payload":{"name":"Ana","email":"ana@example.org","country":"PT","consent":true}}""");
        var ack = (await member.RunAsync("spans", "send", span, "--json")).Expect(0).Json;
        return member.Terminal.Write(name + ".json", ack.Member("receipt").GetRawText());
    }
}
