using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Tests.Commands;

public sealed class InitElsewhereTests : IDisposable
{
    private readonly Terminal _terminal = new();

    [Fact]
    public async Task AnotherGateway_GetsTheSameKeyAndSaysItsOwnTenant()
    {
        await using var first = await FaultyGateway.StartAsync(AnswerAs("dev"));
        await using var second = await FaultyGateway.StartAsync(AnswerAs("elsewhere"));
        first.Enrol(_terminal);
        var said = (await _terminal.RunAsync("init", "--url", second.Url, "--token", "tok_new", "--json")).Expect(0);
        Assert.Equal(("elsewhere", "stg", "kid_test"), (said.Json.Text("tenant"), said.Json.Text("env"), said.Json.Text("kid")));
        Assert.Empty(first.Requests);
        var payload = Assert.Single(second.Writes).Span.Payload;
        LogLine.Protocol.Crypto.DomainSignature.TryDecodePublicKey(payload.Text("pub"), out var key);
        Assert.True(Possession.Verify(key, "elsewhere", "kid_test", payload.Text("pub")!, payload.Texts("usage"), payload.Text("pop")));
    }

    [Fact]
    public async Task RefusedRegistration_KeepsTheKeyAndTheOldProfile()
    {
        await using var first = await FaultyGateway.StartAsync(AnswerAs("dev"));
        await using var second = await FaultyGateway.StartAsync((http, received, earlier) =>
            received.Method == "POST" ? FaultyGateway.Problem(http, "403_FORBIDDEN", "no") : AnswerAs("dev")(http, received, earlier));
        first.Enrol(_terminal);
        var before = File.ReadAllText(Path.Combine(_terminal.Home, "config.json"));
        (await _terminal.RunAsync("init", "--url", second.Url)).Expect(1);
        Assert.Equal(before, File.ReadAllText(Path.Combine(_terminal.Home, "config.json")));
    }

    public void Dispose() => _terminal.Dispose();

    private static Func<Microsoft.AspNetCore.Http.HttpContext, Received, int, Task> AnswerAs(string tenant) => (http, received, _) => received.Target switch
    {
        "/v1/whoami" => FaultyGateway.Json(http, $$"""{"tenant":"{{tenant}}","env":"stg"}"""),
        "/v1/keys" => FaultyGateway.Json(http, $$"""{"keys":[{"kid":"s","use":"span","public_key":"00"},{"kid":"l","use":"log","public_key":"{{TestLog.PublicKey}}"}]}"""),
        _ => FaultyGateway.Ack(http, received),
    };
}
