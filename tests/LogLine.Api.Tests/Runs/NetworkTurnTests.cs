using System.Collections.Concurrent;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Runs;

/// <summary>What puts a container into a network, or takes it out, is an operation on that container: none overlaps another.</summary>
public sealed class NetworkTurnTests
{
    private const string Stop = "container.stop";

    /// <summary>Whichever worker carries the other one out: the gate waits.</summary>
    [Theory]
    [InlineData("network.connect", Stop), InlineData(Stop, "network.connect"), InlineData("network.disconnect", Stop), InlineData(Stop, "network.disconnect")]
    [InlineData("network.establish", Stop), InlineData(Stop, "network.establish"), InlineData("network.sever", Stop), InlineData(Stop, "network.sever")]
    public async Task ChangeOfANetwork_AndWhatElseIsDoneToItsContainer_WaitForEachOther(string first, string second)
    {
        var (begun, goes) = (new ConcurrentQueue<string>(), new TaskCompletionSource());
        Primitive Of(string intent) => async (_, cancel) =>
        {
            begun.Enqueue(intent);
            await goes.Task.WaitAsync(cancel);
            return new PrimitiveResult(CanonicalJson.Parse("{}"u8).Root);
        };
        var fake = new FakeAdapter { Primitives = new[] { first, second }.ToDictionary(intent => intent, Of) };
        await using var gateway = await (await TestGateway.StartAsync([fake])).RegisterKeyAsync();
        await gateway.RunAsync("web", await gateway.ApplyAsync("web", 1));
        await gateway.RunAsync("other", await gateway.ApplyAsync("other", 1)); // the other end of a link

        var one = SendAsync(gateway, first);
        await Patience.UntilAsync("the first", () => begun.Count == 1);
        var two = SendAsync(gateway, second);
        for (var look = 0; look < 10; look++)
        {
            Assert.Equal(System.Net.HttpStatusCode.OK, (await gateway.GetAsync("/v1/runs")).Status);
        }
        Assert.Equal([first], begun);
        Assert.False(two.IsCompleted);
        goes.SetResult();

        Assert.All(await Task.WhenAll(one, two), answer => Assert.True(answer.Json.Member("run").Text("state") == "exited", answer.Body));
        Assert.Equal([first, second], begun);
    }

    /// <summary>In one order, so that no two wait for each other; and with nothing done where one is not free in time.</summary>
    [Theory, InlineData(null), InlineData("b")]
    public async Task Worker_HasTheTurnsOfBothContainers_BeforeItAsksTheEngine(string? busy)
    {
        var turns = new List<string>();
        await using var fake = new FakeEngine(request =>
        {
            turns.Add(request == "GET /version" ? "asks" : request[..request.IndexOf(' ', StringComparison.Ordinal)]);
            return request == "GET /version" ? FakeEngine.Json(FakeEngine.Version) : FakeEngine.Json("""{"message":"no such container"}""", "404 Not Found");
        });
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        var failure = await Assert.ThrowsAsync<AdapterException>(() => adapter.Primitives["network.establish"](new PrimitiveCall
        {
            RunId = "run_net", Tenant = "dev", Name = "", Arguments = CanonicalJson.Parse("""{"from":"b","to":"a"}"""u8).Root, Begun = () => Task.CompletedTask, Artifacts = null!,
            HasEnded = (_, _) => ValueTask.FromResult(false), Progress = _ => Task.CompletedTask, TurnOf = (name, _) => Task.FromResult<IDisposable?>(name == busy ? null : new Turn(name, turns)),
        }, EngineLab.Cancel));

        Assert.Equal(busy is null ? ["a", "b", "asks", "GET", "-a", "-b"] : ["a", "-a"], turns);
        Assert.Equal(busy is null ? AdapterFailure.NotFound : AdapterFailure.Conflict, failure.Failure);
    }

    private static Task<Answer> SendAsync(TestGateway gateway, string intent)
    {
        var subject = intent switch { Stop => "urn:container:dev/web", "network.connect" or "network.disconnect" => "urn:network:dev/backend", _ => "urn:network:dev" };
        var members = intent switch { Stop => ""","name":"web" """, "network.connect" or "network.disconnect" => ""","name":"backend","container":"web" """, _ => ""","from":"other","to":"web" """ };
        return gateway.PostAsync($$$"""{"intent":"{{{intent}}}","subject":"{{{subject}}}","payload":{"target":{"provider":"fake"}{{{members}}}}}""", request => request.Headers.Add("Prefer", "wait=50"));
    }

    private sealed class Turn : IDisposable
    {
        private readonly string _name;
        private readonly List<string> _turns;

        public Turn(string name, List<string> turns)
        {
            (_name, _turns) = (name, turns);
            turns.Add(name);
        }

        public void Dispose() => _turns.Add("-" + _name);
    }
}
