using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger;

/// <summary>Replacing the gateway's keys (docs/operations.md): what was signed before verifies for good, and every moment of it survives a restart.</summary>
public sealed class KeyRotationTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("logline-").FullName;

    private string Folder => Path.Combine(_root, "data");

    private string Keys => Path.Combine(Folder, "keys");

    [Fact]
    public async Task LogKey_IsReplacedWithAnOverlap_AndEveryReceiptVerifiesUnderItsKey()
    {
        var (before, old) = await PostAsync();
        Assert.Equal(0, await RotateAsync("log"));
        var (both, _) = await PostAsync();
        var keys = await KeysAsync();
        var young = Convert.FromHexString(keys.Items("keys").Single(key => key.Text("use") == "log" && key.Integer("from_tree_size") > 0).Text("public_key")!);
        Assert.Equal(0, await RotateAsync("log", "finish"));
        var (after, _) = await PostAsync();

        Assert.Equal((null, false), (before.Verify(old), before.Verify(young) is null));
        Assert.Equal((null, null), (both.Verify(old), both.Verify(young)));
        Assert.Equal((false, null), (after.Verify(old) is null, after.Verify(young)));
        // Whoever knows the old key alone follows the endorsement to the new one, and from a forged answer follows nothing.
        keys = await KeysAsync();
        Assert.Equal([old, young], KeyEndorsement.LogKeysFrom(keys, old));
        Assert.Equal([young], KeyEndorsement.LogKeysFrom(keys, young));
        var forged = keys.GetRawText().Replace(Convert.ToHexStringLower(young), new string('a', 64), StringComparison.Ordinal);
        Assert.Equal([old], KeyEndorsement.LogKeysFrom(CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(forged)).Root, old));
        Assert.Equal(["retired", "active"], keys.Items("keys").Where(key => key.Text("use") == "log").Select(key => key.Text("status")));

        // The gateway itself still gives each receipt as it was.
        await using var gateway = await TestGateway.StartAsync(folder: Folder);
        foreach (var receipt in new[] { before, both, after })
        {
            Assert.Null(Receipt.TryRead((await gateway.GetAsync($"/v1/spans/{receipt.Entry.This}/receipt")).Json, out var again));
            Assert.Equal((receipt.Kid, receipt.Checkpoint), (again.Kid, again.Checkpoint));
        }
    }

    [Fact]
    public async Task CheckpointOfTheOverlap_CarriesBothSignatures_TheOldOneFirst()
    {
        var (_, old) = await PostAsync();
        Assert.Equal(0, await RotateAsync("log"));
        var (receipt, _) = await PostAsync();
        Assert.True(SignedNote.TryParse(receipt.Checkpoint, out var body, out var lines));
        Assert.True(Checkpoint.TryParse(body, out var checkpoint));
        Assert.Equal(2, lines.Count);
        Assert.Equal(SignedNote.KeyId(checkpoint.Origin, old), lines[0].KeyId);
        Assert.Equal("log_" + Convert.ToHexStringLower(old)[..16], receipt.Kid);
    }

    [Fact]
    public async Task SpanKey_IsReplacedAtOnce_AndOldSpansKeepTheirKey()
    {
        await PostAsync();
        var first = await KeysAsync();
        Assert.Equal(0, await RotateAsync("span"));
        var keys = (await KeysAsync()).Items("keys").Where(key => key.Text("use") == "span").ToList();

        Assert.Equal(first.Items("keys").Single(key => key.Text("use") == "span").Text("kid"), keys[0].Text("kid"));
        Assert.Equal(("retired", "active", keys[0].Integer("until_tree_size")), (keys[0].Text("status"), keys[1].Text("status"), keys[1].Integer("from_tree_size")));
        await using var gateway = await TestGateway.StartAsync(folder: Folder);
        var size = gateway.Ledger.Size;
        await gateway.PostAsync("{");
        var record = Assert.Single(await gateway.SpansFromAsync(size, 1));
        Assert.Equal(keys[1].Text("kid"), record.Root.GetProperty("signature").Text("kid"));
    }

    [Fact]
    public async Task EveryMomentOfIt_SurvivesARestart()
    {
        await PostAsync();
        var state = new Dictionary<string, string> { ["before"] = Keep("before") };
        ServerKeys.Prepare(Keys, "log");
        ServerKeys.Prepare(Keys, "span");
        state["prepared"] = Keep("prepared");
        await PostAsync();
        state["overlap"] = Keep("overlap");
        Assert.Equal(0, await RotateAsync("log", "finish"));
        state["finished"] = Keep("finished");

        // As a crash between two of its steps leaves them: the history is written, the private key not moved yet.
        foreach (var (history, keys) in new[] { ("before", "prepared"), ("overlap", "prepared"), ("overlap", "overlap"), ("finished", "overlap"), ("finished", "finished") })
        {
            Directory.Delete(Keys, recursive: true);
            Copy(state[keys], Keys);
            File.Copy(Path.Combine(state[history], "history.json"), Path.Combine(Keys, "history.json"), overwrite: true);
            for (var restart = 0; restart < 2; restart++)
            {
                var (receipt, _) = await PostAsync();
                var current = (await KeysAsync()).Items("keys").Where(key => key.Text("use") == "log" && key.Text("status") == "active").ToList();
                Assert.Equal(history == "finished" ? 1 : 2, current.Count);
                Assert.All(current, key => Assert.Null(receipt.Verify(Convert.FromHexString(key.Text("public_key")!))));
            }
            Assert.False(File.Exists(Path.Combine(Keys, "span.next.key")));
            Assert.Equal(history != "finished", File.Exists(Path.Combine(Keys, "log.next.key")));
        }
    }

    [Fact]
    public async Task FinishedBeforeAnythingWasSignedWithBoth_TheOldHeadStillOpens()
    {
        await PostAsync();
        Assert.Equal(0, await RotateAsync("log"));
        Assert.Equal(0, await RotateAsync("log", "finish"));
        Assert.Equal(2, (await PostAsync()).Receipt.TreeSize);
    }

    [Theory]
    [InlineData("log.next.key", "no private key")]
    [InlineData("history.json", "is damaged")]
    public async Task FileOfTheRotationThatIsGoneOrDamaged_IsRefused(string file, string reason)
    {
        await PostAsync();
        Assert.Equal(0, await RotateAsync("log"));
        var path = Path.Combine(Keys, file);
        if (file.EndsWith(".key", StringComparison.Ordinal))
        {
            File.Delete(path);
        }
        else
        {
            await File.WriteAllTextAsync(path, "{\"v\":1,\"keys\":[{}]}", TestContext.Current.CancellationToken);
        }
        Assert.Contains(reason, (await Assert.ThrowsAsync<DataFolderException>(PostAsync)).Message);
    }

    [Fact]
    public async Task CommandThatMakesNoSense_ChangesNothing()
    {
        await PostAsync();
        Assert.Equal(2, await RotateAsync("webhook"));
        Assert.Equal(2, await RotateAsync("span", "finish"));
        Assert.Contains("begin with", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync("log", "finish"))).Message);
        Assert.Equal(0, await RotateAsync("log"));
        Assert.Contains("already", (await Assert.ThrowsAsync<DataFolderException>(() => RotateAsync("log"))).Message);
        Assert.Equal(["history.json", "log.key", "log.next.key", "span.key", "webhook.key"], Directory.GetFiles(Keys).Select(Path.GetFileName).Where(name => name != "runner.key").Order());
    }

    /// <summary>Starts a gateway, has it commit a span, and stops it: the receipt, and the log key that it is under first.</summary>
    private async Task<(Receipt Receipt, byte[] Key)> PostAsync()
    {
        await using var gateway = await TestGateway.StartAsync(folder: Folder);
        Assert.Null(Receipt.TryRead((await gateway.PostAsync(GatewayActs.Person("p" + gateway.Ledger.Size))).Json, out var receipt));
        return (receipt, Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey));
    }

    private async Task<System.Text.Json.JsonElement> KeysAsync()
    {
        await using var gateway = await TestGateway.StartAsync(folder: Folder);
        return (await gateway.GetAsync("/v1/keys")).Json;
    }

    private Task<int> RotateAsync(params string[] words) => ServerKeyRotation.RunAsync([ServerKeyRotation.Name, .. words, "--data", Folder]);

    private string Keep(string name)
    {
        var kept = Path.Combine(_root, name);
        Copy(Keys, kept);
        return kept;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
