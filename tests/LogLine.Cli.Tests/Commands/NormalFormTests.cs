using System.IO.Compression;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.Commands;

/// <summary>What is signed is in NFC, and a container gets what was signed: what was typed in another form is refused here, before it is altered.</summary>
public sealed class NormalFormTests : IDisposable
{
    private const string Decomposed = "cafe\u0301";

    private readonly Terminal _terminal = new();

    [Fact]
    public async Task Argument_IsRefused()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received));
        gateway.Enrol(_terminal);

        var said = (await _terminal.RunAsync("container", "exec", "web", "--target", "podman", "--wait", "0", "--", "cat", Decomposed)).Expect(1);

        Assert.Contains("/argv/1 is not in Unicode's normal form C", said.Errors);
        Assert.Empty(gateway.Writes);
        (await _terminal.RunAsync("container", "exec", "web", "--target", "podman", "--wait", "0", "--", "cat", Decomposed.Normalize())).Expect(0);
        Assert.Equal("café", Assert.Single(gateway.Writes).Span.Payload.GetProperty("argv")[1].GetString());
    }

    [Fact]
    public async Task ArgumentInAManifest_IsRefused()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received));
        gateway.Enrol(_terminal);
        var manifest = _terminal.Write("manifest.json", Manifest(Decomposed));

        var said = (await _terminal.RunAsync("minicontainer", "apply", manifest, "--name", "web")).Expect(1);

        Assert.Contains("/deploy/args/0", said.Errors);
        Assert.Empty(gateway.Writes);
    }

    [Fact]
    public async Task ArgumentInAnArchive_IsRefused()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => FaultyGateway.Ack(http, received));
        gateway.Enrol(_terminal);
        var written = _terminal.Write("manifest.json", Manifest(Decomposed));

        Assert.Contains("/deploy/args/0", (await _terminal.RunAsync("minicontainer", "pack", written, "--out", _terminal.At("web.llc"))).Expect(1).Errors);
        Assert.False(File.Exists(_terminal.At("web.llc")));
        // Another program packs it as it is written.
        using (var zip = ZipFile.Open(_terminal.At("web.llc"), ZipArchiveMode.Create))
        {
            zip.CreateEntryFromFile(written, "manifest.json");
        }
        Assert.Contains("/deploy/args/0", (await _terminal.RunAsync("minicontainer", "apply", _terminal.At("web.llc"), "--name", "web")).Expect(1).Errors);
        Assert.Empty(gateway.Writes);
    }

    /// <summary>What is in a file goes out as it is written there, and is hashed as it would be stored: it is the gateway that knows which spans reach a container.</summary>
    [Fact]
    public async Task SpansInAFile_GoOutAsTheyAreWritten()
    {
        await using var gateway = await FaultyGateway.StartAsync((http, received, _) => received.Target == "/v1/spans" ? FaultyGateway.Ack(http, received) : FaultyGateway.Json(http, """{"status":"ok"}"""));
        gateway.Enrol(_terminal);
        var file = _terminal.Write("span.json", $$$"""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"name":"web","argv":["cat","{{{Decomposed}}}"]}}""");

        await _terminal.RunAsync("spans", "send", file);
        (await _terminal.RunAsync("spans", "send", file, "--dry-run")).Expect(0);

        var sent = Assert.Single(gateway.Writes);
        Assert.Equal(File.ReadAllBytes(file), sent.Body);
        Assert.Equal("blake3-256=" + ContentHash.Of(CanonicalJson.Parse(sent.Body).Utf8.Span)[ContentHash.Prefix.Length..], sent.Headers["X-Payload-Hash"]);
        Assert.Equal(["/span/payload/argv/1"], CanonicalJson.Parse(gateway.Requests.Last().Body).Altered);
    }

    private static string Manifest(string argument) => $$"""
        {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},"deploy":{"image":"localhost/x:1","entrypoint":["cat"],"args":["{{argument}}"]},"ts":"2026-11-20T12:00:00Z"}
        """;

    public void Dispose() => _terminal.Dispose();
}
