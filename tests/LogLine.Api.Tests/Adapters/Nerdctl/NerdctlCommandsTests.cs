using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>The argument vectors, value by value.</summary>
public sealed class NerdctlCommandsTests
{
    public static TheoryData<string, string, string[]> Vectors => new()
    {
        { "container.start", "{}", ["start", "--", "dev-web"] },
        { "container.stop", "{}", ["stop", "--time", "10", "--", "dev-web"] },
        { "container.stop", """{"timeout_s":3}""", ["stop", "--time", "3", "--", "dev-web"] },
        { "container.kill", """{"signal":"SIGHUP"}""", ["kill", "--signal", "SIGHUP", "--", "dev-web"] },
        { "container.restart", """{"timeout_s":0}""", ["restart", "--time", "0", "--", "dev-web"] },
        { "container.pause", "{}", ["pause", "--", "dev-web"] },
        { "container.unpause", "{}", ["unpause", "--", "dev-web"] },
        { "container.remove", """{"force":true,"volumes":true}""", ["rm", "--force", "--volumes", "--", "dev-web"] },
        { "container.remove", "{}", ["rm", "--", "dev-web"] },
        {
            "container.exec", """{"argv":["-x","$(id)"],"env":{"A":"b c"},"workdir":"/w","user":"1","tty":true,"stdin_b64":""}""",
            ["exec", "--interactive", "--tty", "--workdir", "/w", "--user", "1", "--env", "A=b c", "--", "dev-web", "-x", "$(id)"]
        },
        { "container.commit", """{"image":"x:1"}""", ["commit", "--", "dev-web", "localhost/dev/x:1"] },
        { "container.list", "{}", ["ps", "--all", "--no-trunc", "--filter", "label=logline.tenant=dev", "--format", "{{json .}}"] },
        { "container.inspect", "{}", ["inspect", "--type", "container", "--", "dev-web"] },
        { "container.logs", """{"tail":5,"since":"10m","follow":true}""", ["logs", "--since", "10m", "--follow", "--tail", "5", "--", "dev-web"] },
        { "container.stats", "{}", ["stats", "--no-stream", "--no-trunc", "--format", "{{json .}}", "--", "dev-web"] },
        { "container.top", "{}", ["top", "dev-web"] },
        { "container.diff", "{}", ["diff", "--", "dev-web"] },
        { "container.resources", """{"memory":"64MiB","cpus":"0.5","pids":9}""", ["update", "--memory", "67108864", "--memory-swap", "67108864", "--cpus", "0.5", "--pids-limit", "9", "--", "dev-web"] },
        { "container.copy_to", """{"path":"/p"}""", ["cp", "-", "dev-web:/p"] },
        { "container.copy_from", """{"path":"/p"}""", ["cp", "dev-web:/p", "-"] },
        { "image.list", "{}", ["images", "--all", "--no-trunc", "--format", "{{json .}}"] },
        { "image.inspect", """{"image":"a:1"}""", ["image", "inspect", "--", "a:1"] },
        { "image.history", """{"image":"a:1"}""", ["history", "--no-trunc", "--format", "{{json .}}", "--", "a:1"] },
        { "image.pull", """{"image":"a:1"}""", ["pull", "--quiet", "--", "a:1"] },
        { "image.tag", """{"image":"a:1","tag":"b:2"}""", ["tag", "--", "a:1", "localhost/dev/b:2"] },
        { "image.remove", """{"image":"b:2"}""", ["rmi", "--", "localhost/dev/b:2"] },
        { "image.save", """{"image":"a:1"}""", ["save", "--", "a:1"] },
        { "image.load", "{}", ["load"] },
        { "image.push", """{"to":"r.example.org/a:1"}""", ["push", "--quiet", "--", "r.example.org/a:1"] },
        {
            "network.create", """{"internal":true,"labels":{"a":"b"}}""",
            ["network", "create", "--internal", "--label", "a=b", "--label", "logline.name=web", "--label", "logline.run_id=run_1", "--label", "logline.tenant=dev", "--", "dev-web"]
        },
        { "network.remove", "{}", ["network", "rm", "--", "dev-web"] },
        { "network.inspect", "{}", ["network", "inspect", "--", "dev-web"] },
        { "network.list", "{}", ["network", "ls", "--no-trunc", "--filter", "label=logline.tenant=dev", "--format", "{{json .}}"] },
        { "network.connect", """{"container":"api"}""", ["network", "connect", "--alias", "api", "--", "dev-web", "dev-api"] },
        { "network.disconnect", """{"container":"api"}""", ["network", "disconnect", "--", "dev-web", "dev-api"] },
        { "volume.create", "{}", ["volume", "create", "--label", "logline.name=web", "--label", "logline.run_id=run_1", "--label", "logline.tenant=dev", "--", "dev-web"] },
        { "volume.remove", "{}", ["volume", "rm", "--", "dev-web"] },
        { "volume.inspect", "{}", ["volume", "inspect", "--", "dev-web"] },
        { "volume.list", "{}", ["volume", "ls", "--filter", "label=logline.tenant=dev", "--format", "{{json .}}"] },
        { "system.info", "{}", ["info", "--format", "{{json .}}"] },
        {
            "container.create", """{"image":"a:1"}""",
            [
                "create", "--name", "dev-web", "--pull", "missing", "--label", "logline.name=web", "--label", "logline.run_id=run_1", "--label", "logline.tenant=dev",
                "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--init", "--log-opt", "max-size=1m", "--", "a:1",
            ]
        },
        {
            "container.create",
            """
            {"image":"a:1","argv":["--privileged","-v","/:/host"],"env":{"A":"1 2"},"user":"7","workdir":"/w","ports":[{"container":80},{"container":81,"host":8081}],"strategy":"ephemeral",
             "mounts":[{"type":"tmpfs","target":"/t"},{"type":"volume","source":"v","target":"/v","read_only":true},{"type":"bind","source":"/srv/x","target":"/x"}],
             "resources":{"memory":"64MiB","cpus":2,"pids":5},"security":{"read_only_rootfs":true,"cap_add":["NET_RAW"]}}
            """,
            [
                "create", "--name", "dev-web", "--pull", "missing", "--label", "logline.cap_add=NET_RAW", "--label", "logline.name=web", "--label", "logline.run_id=run_1", "--label", "logline.strategy=ephemeral", "--label", "logline.tenant=dev",
                "--cap-drop", "ALL", "--cap-add", "NET_RAW", "--security-opt", "no-new-privileges", "--init", "--read-only", "--rm", "--memory", "67108864", "--memory-swap", "67108864", "--cpus", "2", "--pids-limit", "5",
                "--user", "7", "--workdir", "/w", "--env", "A=1 2", "--publish", "80", "--publish", "8081:81",
                "--tmpfs", "/t:rw,nosuid,nodev,size=64m", "--mount", "type=volume,source=dev-v,target=/v,readonly", "--mount", "type=bind,source=/srv/x,target=/x",
                "--log-opt", "max-size=1m", "--", "a:1", "--privileged", "-v", "/:/host",
            ]
        },
    };

    [Theory, MemberData(nameof(Vectors), DisableDiscoveryEnumeration = true)]
    public void Arguments_AreThese(string effect, string payload, string[] expected) => Assert.Equal(expected, NerdctlCommands.ToArgs(effect, Call(payload)));

    /// <summary>What has no vector: it is several commands, or the gateway's own reckoning.</summary>
    [Fact]
    public void EveryPrimitive_HasAVectorOrIsNamedHere()
    {
        using var engine = new EngineAdapter(EngineEndpoints.At("podman", "unix:///nonexistent/podman.sock"), TimeProvider.System);
        const string Everything = """{"image":"a:1","tag":"b:2","to":"c:3","path":"/p","container":"x","argv":["a"]}""";

        Assert.Equal(
            [
                "cleanup.apply", "cleanup.plan", "container.volume.attach", "container.volume.detach", "network.establish", "network.sever", "port.publish", "session.end", "session.list", "system.metrics",
                "system.prune", "task.end", "task.list",
            ],
            engine.Primitives.Keys.Where(effect => NerdctlCommands.ToArgs(effect, Call(Everything)) is null).Order(StringComparer.Ordinal));
    }

    internal static PrimitiveCall Call(string payload, string tenant = "dev", string name = "web") => new()
    {
        RunId = "run_1",
        Tenant = tenant,
        Name = name,
        Arguments = JsonDocument.Parse(payload).RootElement,
        Begun = () => Task.CompletedTask,
        Artifacts = null!,
        HasEnded = (_, _) => new(false),
        Progress = _ => Task.CompletedTask,
    };
}
