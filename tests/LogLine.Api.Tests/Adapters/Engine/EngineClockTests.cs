using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>An engine on another machine has a clock of its own, which says when its events were.</summary>
public sealed class EngineClockTests
{
    /// <summary>An end that is ahead of its clock would hold the call, and one behind it would leave out what happened last; it refuses a beginning that is behind the end.</summary>
    [Theory]
    [InlineData("{}", "2020-01-01T00:00:00.123456789Z", "since=1577833200", "until=1577836800.123456800")]
    [InlineData("""{"since":"2029-01-01T00:00:00Z"}""", "2020-01-01T02:00:00+02:00", "since=1577836800", "until=1577836800.000000000")]
    [InlineData("{}", "2060-01-01T00:00:00Z", "since=2840137200", "until=2840140800.000000000")]
    public async Task Events_AreAskedForByTheEnginesClock(string arguments, string clock, string since, string until)
    {
        await using var fake = new FakeEngine(request => FakeEngine.Json(
            request == "GET /version" ? FakeEngine.Version
            : request.EndsWith("/info", StringComparison.Ordinal) ? $$"""{"SystemTime":"{{clock}}"}"""
            : ""));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        await adapter.Primitives["system.events"](Call(arguments), TestContext.Current.CancellationToken);

        var asked = Assert.Single(fake.Requests, request => request.Contains("/events?", StringComparison.Ordinal)).Split('?')[1].Split('&');
        Assert.Equal((since, until), (Assert.Single(asked, part => part.StartsWith("since", StringComparison.Ordinal)), Assert.Single(asked, part => part.StartsWith("until", StringComparison.Ordinal))));
    }

    static PrimitiveCall Call(string arguments) => new()
    {
        RunId = "run_events", Tenant = "dev", Name = "", Arguments = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(arguments)).Root, Begun = () => Task.CompletedTask, Artifacts = null!,
        HasEnded = (_, _) => ValueTask.FromResult(true), Progress = _ => Task.CompletedTask, TurnOf = (_, _) => throw new InvalidOperationException("It only looks."),
    };
}
