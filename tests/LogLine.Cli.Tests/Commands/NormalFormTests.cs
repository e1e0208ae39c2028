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
        var manifest = _terminal.Write("manifest.json", $$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},"deploy":{"image":"localhost/x:1","entrypoint":["cat"],"args":["{{Decomposed}}"]},"ts":"2026-11-20T12:00:00Z"}
            """);

        var said = (await _terminal.RunAsync("minicontainer", "apply", manifest, "--name", "web")).Expect(1);

        Assert.Contains("/deploy/args/0", said.Errors);
        Assert.Empty(gateway.Writes);
    }

    public void Dispose() => _terminal.Dispose();
}
