using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A command is cancelled: it is ended with its run, and where that is not possible, or not known, the cancel says so.</summary>
public sealed class ExecCancelTests
{
    const string Container = """{"Id":"c1","Name":"/dev-web","State":{"Status":"running"},"Config":{"Labels":{"logline.tenant":"dev","logline.name":"web","logline.run_id":"run_web"}}}""";

    [Theory]
    [InlineData("""{"Running":false,"ExitCode":137}""", null)]
    [InlineData("""{"Running":true,"Pid":1}""", "The command goes on: its process cannot be ended")] // the first process of this machine is no command of ours
    [InlineData(null, "Whether the command has ended is not known")]
    public async Task CancelThatCannotEndTheCommand_IsACancelThatSaysSo(string? command, string? said)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var fake = new FakeEngine(request =>
            request == "GET /version" ? FakeEngine.Json(FakeEngine.Version)
            : request.EndsWith("/containers/dev-web/json", StringComparison.Ordinal) ? FakeEngine.Json(Container)
            : request.EndsWith("/containers/c1/exec", StringComparison.Ordinal) ? FakeEngine.Json("""{"Id":"e1"}""", "201 Created")
            : request.EndsWith("/exec/e1/start", StringComparison.Ordinal) ? Cancelled(cancel)
            : command is not null ? FakeEngine.Json(command) : FakeEngine.Json("""{"message":"the engine is going down"}""", "503 Service Unavailable"));
        using var adapter = new EngineAdapter(fake.Endpoint, TimeProvider.System);

        var broken = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => adapter.Primitives["container.exec"](new PrimitiveCall
        {
            RunId = "run_exec", Tenant = "dev", Name = "web", Arguments = CanonicalJson.Parse("""{"argv":["sleep","600"]}"""u8).Root, Begun = () => Task.CompletedTask, Artifacts = null!,
            HasEnded = (_, _) => ValueTask.FromResult(false), Progress = _ => Task.CompletedTask,
        }, cancel.Token));

        Assert.Contains(fake.Requests, request => request.EndsWith("/exec/e1/json", StringComparison.Ordinal));
        Assert.Equal(said is not null, broken is CommandLeftException);
        Assert.StartsWith(said ?? "", broken.Message);
    }

    /// <summary>The command has begun, and says nothing.</summary>
    static byte[] Cancelled(CancellationTokenSource cancel)
    {
        cancel.CancelAfter(TimeSpan.Zero);
        return Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    }
}
