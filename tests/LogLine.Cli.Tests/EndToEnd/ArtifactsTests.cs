using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class ArtifactsTests(GatewayProcess gateway)
{
    [Fact]
    public async Task File_GoesUpAndComesBackVerified()
    {
        using var member = await Member.JoinAsync(gateway);
        var bytes = new byte[2_500_000];
        new Random(20261121).NextBytes(bytes);
        var (file, copy) = (member.Terminal.At("context.tar"), member.Terminal.At("copy.tar"));
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);

        var put = (await member.RunAsync("artifacts", "put", file, "--json")).Expect(0).Json;
        (await member.RunAsync("artifacts", "get", put.Text("hash")!, "--out", copy)).Expect(0);

        Assert.Equal(ContentHash.Of(bytes), put.Text("hash"));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(copy, TestContext.Current.CancellationToken));
        Assert.Contains("there already", (await member.RunAsync("artifacts", "put", file)).Expect(0).Output);
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("artifacts", "get", "blake3:" + new string('0', 64), "--out", copy)).Expect(1).Errors);
        Assert.False(File.Exists(copy + ".part"));
    }

    [Fact]
    public async Task UploadAndRemoval_AreSignedWithTheProfilesKey()
    {
        using var member = await Member.JoinAsync(gateway);
        var file = member.Terminal.Write("bytes", Guid.NewGuid().ToString());

        var hash = (await member.RunAsync("artifacts", "put", file, "--json")).Expect(0).Json.Text("hash")!;
        Assert.Contains(hash, (await member.RunAsync("artifacts", "list", "--json")).Expect(0).Output);
        (await member.RunAsync("artifacts", "remove", hash)).Expect(0);

        foreach (var intent in (string[])["artifact.put", "artifact.remove"])
        {
            var spans = (await member.RunAsync("spans", "query", "--intent", intent, "--limit", "1000", "--json")).Expect(0).Json.Items("items");
            var span = spans.Single(span => span.Member("payload").Text("hash") == hash);
            var receipt = (await member.RunAsync("receipts", "get", span.Text("this")!)).Expect(0).Json;
            Assert.NotNull(receipt.Member("entry").Text("kid"));
        }
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("artifacts", "remove", hash)).Expect(1).Errors);
    }
}
