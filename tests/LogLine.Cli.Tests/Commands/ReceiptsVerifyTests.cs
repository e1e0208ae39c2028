using System.Text;
using LogLine.Cli.Client;
using LogLine.Cli.Settings;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Tests.Commands;

public sealed class ReceiptsVerifyTests : IDisposable
{
    private readonly Terminal _terminal = new();
    private readonly LogLine.Protocol.Spans.SpanDocument _span = TestLog.Span();

    [Fact]
    public async Task ReceiptThatHolds_SaysEveryStep()
    {
        var file = _terminal.Write("r.json", TestLog.Text(TestLog.Receipt(_span)));
        var said = (await _terminal.RunAsync("receipts", "verify", file, "--key", TestLog.PublicKey)).Expect(0);
        Assert.Contains("ok   the log key signed the checkpoint", said.Output);
        Assert.Contains("ok   tree size and root are the signed ones", said.Output);
        Assert.Contains("ok   the proof leads from the entry to the root", said.Output);
    }

    [Fact]
    public async Task ReceiptAsText_HoldsAsWell_FromAFileAndFromStandardInput()
    {
        var receipt = TestLog.Receipt(_span);
        var text = TlogProof.Write(receipt.Entry.ToUtf8(), receipt.LogIndex, receipt.InclusionProof, receipt.Checkpoint);
        var (file, span) = (_terminal.Write("r.tlog-proof", text), _terminal.Write("span.json", _span.Root.GetRawText()));
        var said = (await _terminal.RunAsync("receipts", "verify", file, "--key", TestLog.PublicKey, "--span", span, "--json")).Expect(0).Json.GetProperty("receipts")[0];
        Assert.Equal((_span.This, 1, 2), (said.GetProperty("this").GetString(), said.GetProperty("log_index").GetInt32(), said.GetProperty("tree_size").GetInt32()));
        (await _terminal.RunAsync(text, ["receipts", "verify", "-", "--key", TestLog.PublicKey], TestContext.Current.CancellationToken)).Expect(0);
        Assert.Contains("merkle.checkpoint", (await _terminal.RunAsync("receipts", "verify", file, "--key", new string('a', 64))).Expect(1).Errors);
        var cut = _terminal.Write("cut", text[..^20]);
        Assert.Contains("no C2SP tlog-proof", (await _terminal.RunAsync("receipts", "verify", cut, "--key", TestLog.PublicKey)).Expect(1).Errors);
        Assert.Contains("missing.json", (await _terminal.RunAsync("receipts", "verify", _terminal.At("missing.json"), "--key", TestLog.PublicKey)).Expect(1).Errors);
    }

    [Fact]
    public async Task WholeAckWithItsSpan_Holds()
    {
        var ack = _terminal.Write("ack.json", TestLog.Ack(_span));
        var span = _terminal.Write("span.json", _span.Root.GetRawText());
        var said = (await _terminal.RunAsync("receipts", "verify", ack, "--key", TestLog.PublicKey, "--span", span, "--json")).Expect(0);
        Assert.True(said.Json.GetProperty("valid").GetBoolean());
        var receipt = said.Json.GetProperty("receipts")[0];
        Assert.Equal(_span.This, receipt.GetProperty("this").GetString());
        Assert.Equal(1, receipt.GetProperty("log_index").GetInt32());
        Assert.All(receipt.GetProperty("steps").EnumerateArray(), step => Assert.True(step.GetProperty("holds").GetBoolean()));
        Assert.Equal(7, receipt.GetProperty("steps").GetArrayLength());
    }

    [Fact]
    public async Task AnotherSpan_IsRefused()
    {
        var ack = _terminal.Write("ack.json", TestLog.Ack(_span));
        var other = _terminal.Write("span.json", TestLog.Span().Root.GetRawText());
        var said = (await _terminal.RunAsync("receipts", "verify", ack, "--key", TestLog.PublicKey, "--span", other)).Expect(1);
        Assert.Contains("entry.hash", said.Errors);
    }

    [Fact]
    public async Task AnotherLogKey_IsRefused()
    {
        var file = _terminal.Write("r.json", TestLog.Text(TestLog.Receipt(_span)));
        var said = (await _terminal.RunAsync("receipts", "verify", file, "--key", new string('a', 64))).Expect(1);
        Assert.Contains("merkle.checkpoint", said.Errors);
    }

    [Fact]
    public async Task KeyThatTheKnownOneEndorsed_IsFollowed_AndNoOther()
    {
        using var old = LogLine.Protocol.Crypto.SigningKey.Generate();
        using var stranger = LogLine.Protocol.Crypto.SigningKey.Generate();
        var file = _terminal.Write("r.json", TestLog.Text(TestLog.Receipt(_span)));
        await VerifyAsync(old, 0);
        await VerifyAsync(stranger, 1);

        async Task VerifyAsync(LogLine.Protocol.Crypto.SigningKey endorser, int exitCode)
        {
            var note = LogLine.Protocol.Spans.KeyEndorsement.Sign("log.example/test", "log", "log_2", Convert.FromHexString(TestLog.PublicKey), 1, endorser);
            var keys = _terminal.Write("keys.json", System.Text.Json.JsonSerializer.Serialize(new
            {
                origin = "log.example/test",
                keys = new[] { new { kid = "log_2", use = "log", public_key = TestLog.PublicKey, from_tree_size = 1, endorsement = note } },
            }));
            (await _terminal.RunAsync("receipts", "verify", file, "--key", old.PublicKeyHex, "--keys", keys)).Expect(exitCode);
        }
    }

    [Fact]
    public async Task NoKeyAtAll_SaysWhereItComesFrom()
    {
        var file = _terminal.Write("r.json", TestLog.Text(TestLog.Receipt(_span)));
        Assert.Contains("--key", (await _terminal.RunAsync("receipts", "verify", file)).Expect(1).Errors);
    }

    [Fact]
    public async Task EveryFlippedBit_IsNoticed()
    {
        var receipt = TestLog.Text(TestLog.Receipt(_span));
        // Every byte of the values, one bit each; a flip that leaves the same JSON value (white space, escapes) does not exist here.
        var text = Encoding.UTF8.GetBytes(receipt);
        var kid = receipt.IndexOf("\"kid\":\"log_1\"", StringComparison.Ordinal);
        for (var at = 0; at < text.Length; at++)
        {
            // The log key's id is a label: which key it was is shown by the signature.
            if (at > kid && at < kid + 13)
            {
                continue;
            }
            var flipped = text.ToArray();
            flipped[at] ^= 1;
            File.WriteAllBytes(_terminal.At("f.json"), flipped);
            var said = await _terminal.RunAsync("receipts", "verify", _terminal.At("f.json"), "--key", TestLog.PublicKey);
            Assert.True(said.ExitCode == 1, $"bit at {at} ('{(char)text[at]}' → '{(char)flipped[at]}'), near {receipt[Math.Max(0, at - 20)..at]}: {said.Output}{said.Errors}");
        }
    }

    [Fact]
    public async Task All_VerifiesWhatTheProfileKept()
    {
        var home = new HomeFolder(_terminal.Home);
        ProfileStore.Save(home, "default", new Profile { ServerPublicKey = TestLog.PublicKey });
        var archive = new ReceiptArchive(home, "default");
        archive.Store(new SpanAck(System.Text.Json.JsonDocument.Parse(TestLog.Ack(_span)).RootElement), _span);
        var second = TestLog.Span();
        archive.Store(new SpanAck(System.Text.Json.JsonDocument.Parse(TestLog.Ack(second)).RootElement), second);
        var said = (await _terminal.RunAsync("receipts", "verify", "--all", "--json")).Expect(0);
        Assert.Equal(2, said.Json.GetProperty("receipts").GetArrayLength());

        var file = archive.Files()[0];
        File.WriteAllText(file, File.ReadAllText(file).Replace("usr_1", "usr_2", StringComparison.Ordinal));
        Assert.Contains("the span hashes to", (await _terminal.RunAsync("receipts", "verify", "--all")).Expect(1).Errors);
    }

    [Fact]
    public async Task NothingKept_SaysSo() =>
        Assert.Contains("No receipts are kept", (await _terminal.RunAsync("receipts", "verify", "--all", "--key", TestLog.PublicKey)).Expect(1).Errors);

    public void Dispose() => _terminal.Dispose();
}
