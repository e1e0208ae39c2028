using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Nerdctl;

/// <summary>The argument vectors, value by value.</summary>
public sealed class NerdctlCommandsTests
{
    private static readonly IReadOnlyDictionary<string, (NerdctlCommand Command, string[] Args)> Vectors = new Dictionary<string, (NerdctlCommand, string[])>
    {
        ["version"] = (new NerdctlVersion(), ["version", "--format", "{{json .}}"]),
        ["info"] = (new NerdctlInfo(), ["info", "--format", "{{json .}}"]),
        ["list"] = (new NerdctlList("logline.tenant=dev"), ["ps", "--all", "--quiet", "--no-trunc", "--filter", "label=logline.tenant=dev"]),
        ["inspect"] = (new NerdctlInspect("a", "b"), ["inspect", "--type", "container", "--", "a", "b"]),
        ["start"] = (new NerdctlAct("start", "x"), ["start", "--", "x"]),
        ["wait"] = (new NerdctlAct("wait", "x"), ["wait", "--", "x"]),
        ["stop"] = (new NerdctlEnd("stop", "x", 3), ["stop", "--time", "3", "--", "x"]),
        ["restart"] = (new NerdctlEnd("restart", "x", 0), ["restart", "--time", "0", "--", "x"]),
        ["kill"] = (new NerdctlKill("x", "SIGHUP"), ["kill", "--signal", "SIGHUP", "--", "x"]),
        ["rename"] = (new NerdctlRename("x", "dev-web"), ["rename", "--", "x", "dev-web"]),
        ["remove"] = (new NerdctlRemove("x", true, true), ["rm", "--force", "--volumes", "--", "x"]),
        ["remove, no more"] = (new NerdctlRemove("x", false, false), ["rm", "--", "x"]),
        ["logs"] = (new NerdctlLogs("x", DateTimeOffset.UnixEpoch.AddMilliseconds(1500), true), ["logs", "--since", "1970-01-01T00:00:01.500Z", "--follow", "--", "x"]),
        ["logs, all"] = (new NerdctlLogs("x", null, false), ["logs", "--", "x"]),
        ["exec"] = (new NerdctlExec("x", new ExecRequest { Cmd = ["-x", "$(id)", ""], Env = ["A=b c"], WorkingDir = "-w", User = "1", AttachStdin = true }, "/f"),
            ["exec", "--interactive", "--workdir", "-w", "--user", "1", "--env-file", "/f", "--", "x", "-x", "$(id)", ""]),
        ["top"] = (new NerdctlTop("x"), ["top", "x"]),
        ["update"] = (new NerdctlUpdate("x", new ResourceView(1 << 26, 500, 9)), ["update", "--memory", "67108864", "--memory-swap", "67108864", "--cpus", "0.5", "--pids-limit", "9", "--", "x"]),
        ["commit"] = (new NerdctlCommit("x", "localhost/dev/y:1", ["ENV A=\"\""]), ["commit", "--change", "ENV A=\"\"", "--", "x", "localhost/dev/y:1"]),
        ["copy to"] = (new NerdctlCopyTo("x", "/p"), ["cp", "-", "x:/p"]),
        ["copy from"] = (new NerdctlCopyFrom("x", "/p"), ["cp", "x:/p", "-"]),
        ["images"] = (new NerdctlImages(), ["images", "--quiet", "--no-trunc"]),
        ["image"] = (new NerdctlInspectImages("a:1"), ["image", "inspect", "--", "a:1"]),
        ["history"] = (new NerdctlHistory("a:1"), ["history", "--no-trunc", "--format", "{{json .}}", "--", "a:1"]),
        ["pull"] = (new NerdctlTransfer("pull", "a:1", null), ["pull", "--", "a:1"]),
        ["push"] = (new NerdctlTransfer("push", "127.0.0.1:5000/a:1", "--insecure-registry"), ["push", "--insecure-registry", "--", "127.0.0.1:5000/a:1"]),
        ["tag"] = (new NerdctlTag("a:1", "b:2"), ["tag", "--", "a:1", "b:2"]),
        ["untag"] = (new NerdctlUntag("b:2"), ["rmi", "--", "b:2"]),
        ["save"] = (new NerdctlSave("a:1"), ["save", "--", "a:1"]),
        ["load"] = (new NerdctlLoad(), ["load"]),
        ["build"] = (
            new NerdctlBuild(new BuildOrder("y:1", "sub/File", "s", true, false, new Dictionary<string, string> { ["B"] = "2", ["A"] = "$x" }, new Dictionary<string, string> { ["l"] = "" }, TimeSpan.Zero), "/c"),
            ["build", "--tag", "y:1", "--file", "/c/sub/File", "--target", "s", "--no-cache", "--network", "none", "--build-arg", "A=$x", "--build-arg", "B=2", "--label", "l=", "--", "/c"]),
        ["networks"] = (new NerdctlListThings("network", "a=b"), ["network", "ls", "--quiet", "--filter", "label=a=b"]),
        ["volume"] = (new NerdctlInspectThings("volume", "v"), ["volume", "inspect", "--", "v"]),
        ["network create"] = (new NerdctlCreateThing("network", "n", new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" }, true), ["network", "create", "--internal", "--label", "a=1", "--label", "b=2", "--", "n"]),
        ["volume create"] = (new NerdctlCreateThing("volume", "v", new Dictionary<string, string>(), false), ["volume", "create", "--", "v"]),
        ["volume remove"] = (new NerdctlRemoveThing("volume", "v"), ["volume", "rm", "--", "v"]),
        ["connect"] = (new NerdctlConnect("n", "x", "api"), ["network", "connect", "--alias", "api", "--", "n", "x"]),
        ["disconnect"] = (new NerdctlDisconnect("n", "x", true), ["network", "disconnect", "--force", "--", "n", "x"]),
        ["create, the least"] = (
            Create(new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_1", Image = "a:1" }, null),
            [
                "create", "--name", "dev-web", "--pull", "never", "--label", "logline.cap_add=", "--label", "logline.name=web", "--label", "logline.ref=", "--label", "logline.run_id=run_1",
                "--label", "logline.session_id=", "--label", "logline.strategy=", "--label", "logline.task_id=", "--label", "logline.tenant=dev", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                "--init", "--log-driver", "json-file", "--log-opt", "max-file=2", "--log-opt", "max-size=1m", "--", "a:1",
            ]),
        ["create, all of it"] = (
            Create(
                new WorkloadSpec
                {
                    Tenant = "dev", Name = "web", RunId = "run_1", Image = "a:1", Entrypoint = ["/e", "-f"], Argv = ["--privileged", "-v", "/:/host"], Env = new Dictionary<string, string> { ["SECRET"] = "hunter2" },
                    User = "7", Workdir = "/w", Ports = [new(0, 80), new(8081, 81)], Strategy = "ephemeral", MemoryBytes = 1 << 26, CpuMillis = 2000, Pids = 5, ReadOnlyRootfs = true, CapAdd = ["NET_RAW"],
                    Mounts = [new(MountKind.Tmpfs, null, "/t", false), new(MountKind.Volume, "v", "/v", true), new(MountKind.Bind, "/srv/x", "/x", false)],
                }, "/dev/shm/f"),
            [
                "create", "--name", "dev-web", "--pull", "never", "--label", "logline.cap_add=NET_RAW", "--label", "logline.name=web", "--label", "logline.ref=", "--label", "logline.run_id=run_1",
                "--label", "logline.session_id=", "--label", "logline.strategy=ephemeral", "--label", "logline.task_id=", "--label", "logline.tenant=dev",
                "--cap-drop", "ALL", "--cap-add", "NET_RAW", "--security-opt", "no-new-privileges", "--init", "--read-only", "--rm", "--memory", "67108864", "--memory-swap", "67108864", "--cpus", "2", "--pids-limit", "5",
                "--user", "7", "--workdir", "/w", "--env-file", "/dev/shm/f", "--publish", "80", "--publish", "8081:81",
                "--tmpfs", "/run:rw,nosuid,nodev,size=64m", "--tmpfs", "/t:rw,nosuid,nodev,size=64m", "--tmpfs", "/tmp:rw,nosuid,nodev,size=64m", "--tmpfs", "/var/tmp:rw,nosuid,nodev,size=64m",
                "--mount", "type=volume,source=dev-v,target=/v,ro", "--mount", "type=bind,source=/srv/x,target=/x",
                "--log-driver", "json-file", "--log-opt", "max-file=2", "--log-opt", "max-size=1m", "--entrypoint", "/e", "--", "a:1", "-f", "--privileged", "-v", "/:/host",
            ]),
    };

    public static TheoryData<string> Names => [.. Vectors.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Arguments_AreThese(string name) => Assert.Equal(Vectors[name].Args, NerdctlCommands.ToArgs(Vectors[name].Command));

    [Fact]
    public void EveryCommand_HasAVector() => Assert.Equal(
        typeof(NerdctlCommand).Assembly.GetTypes().Where(type => type.BaseType == typeof(NerdctlCommand)).Select(type => type.Name).Order(), Vectors.Values.Select(vector => vector.Command.GetType().Name).Distinct().Order());

    private static NerdctlCreate Create(WorkloadSpec spec, string? envFile) => new(ContainerRequests.NameOf(spec), ContainerRequests.Of(spec, EngineQuirks.Nerdctl), envFile);
}
