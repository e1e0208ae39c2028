using System.Net;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>
/// Random sequences of operations, legal and illegal, against a real engine, on which somebody else does things as well: the guard's answer, the table and the engine's truth never
/// disagree. The seed is in the failure's message.
/// </summary>
public sealed class LifecycleModelTests
{
    private const int Steps = 40;

    private static readonly (string Intent, string Members)[] Operations =
    [
        ("container.create", $$"""{"image":"{{PrimitiveLab.Image}}"}"""), ("container.start", "{}"), ("container.stop", """{"timeout_s":0}"""), ("container.kill", "{}"),
        ("container.restart", """{"timeout_s":0}"""), ("container.pause", "{}"), ("container.unpause", "{}"), ("container.remove", "{}"), ("container.remove", """{"force":true}"""),
        ("container.exec", """{"argv":["/bin/true"]}"""), ("container.logs", "{}"), ("container.stats", "{}"), ("container.top", "{}"), ("container.copy_from", """{"path":"/www"}"""),
        ("container.resources", """{"memory":"64MiB"}"""), ("container.commit", """{"image":"NAME"}"""),
    ];

    /// <summary>Where the step in the table is called otherwise than the intent.</summary>
    private static readonly Dictionary<string, string> Called = new() { ["copy_from"] = "copy", ["resources"] = "update" };

    [Theory]
    [InlineData("podman", 1), InlineData("podman", 2)]
    [InlineData("docker", 1), InlineData("docker", 2)]
    [InlineData("nerdctl", 1)]
    public async Task RandomOperations_GuardTableAndEngineAgree(string provider, int seed)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var random = new Random(seed);
        var name = lab.Name();
        for (var step = 0; step < Steps; step++)
        {
            var (intent, members) = Operations[random.Next(Operations.Length)];
            if (random.Next(8) == 0)
            {
                await MeddleAsync(lab, name, random.Next(3));
            }
            var before = await TruthAsync(lab, name);
            var called = intent["container.".Length..];
            var operation = ContainerLifecycle.Operation(Called.GetValueOrDefault(called, called), CanonicalJson.Parse(members).Root);

            var answer = await lab.SendAsync(intent, name, members.Replace("NAME", name));

            var where = $"seed {seed}, step {step}: {operation} from {ContainerLifecycle.Name(before)}: {answer.Body}";
            var after = await TruthAsync(lab, name);
            if (!ContainerLifecycle.IsLegal(before, operation))
            {
                Assert.True(answer.Code == (before is null ? "404_NOT_FOUND" : "409_LIFECYCLE_CONFLICT"), where);
                Assert.True(before == after, where);
                continue;
            }
            Assert.True(answer.Status == HttpStatusCode.OK && answer.Json.Member("run").Text("state") == "exited", where);
            Assert.True(after is null ? operation.StartsWith("remove", StringComparison.Ordinal) : ContainerLifecycle.LeadsTo(operation, after), $"{where}; now {after}");
        }
        await lab.SendAsync("image.remove", null, $$"""{"image":"{{name}}"}""");
    }

    /// <summary>What somebody does on the engine's own machine.</summary>
    private static async Task MeddleAsync(PrimitiveLab lab, string name, int what)
    {
        if (await lab.Engine.InspectAsync(ContainerRequests.NameOf(TestGateway.Tenant, name), PrimitiveLab.Cancel) is not { } container)
        {
            return;
        }
        await ((what, EngineQuirks.State(container.State.Status)) switch
        {
            (0, WorkloadState.Running) => lab.Engine.StopAsync(container.Id, 0, PrimitiveLab.Cancel),
            (1, WorkloadState.Running) => lab.Engine.PauseAsync(container.Id, PrimitiveLab.Cancel),
            (0 or 1, WorkloadState.Created or WorkloadState.Stopped) => lab.Engine.StartAsync(container.Id, PrimitiveLab.Cancel),
            (0 or 1, _) => lab.Engine.UnpauseAsync(container.Id, PrimitiveLab.Cancel),
            _ => lab.Engine.RemoveAsync(container.Id, force: true, PrimitiveLab.Cancel),
        });
    }

    private static async Task<WorkloadState?> TruthAsync(PrimitiveLab lab, string name) =>
        await lab.Engine.InspectAsync(ContainerRequests.NameOf(TestGateway.Tenant, name), PrimitiveLab.Cancel) is { } container ? EngineQuirks.State(container.State.Status) : null;
}
