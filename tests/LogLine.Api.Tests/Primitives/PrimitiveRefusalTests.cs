using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>What is refused before any engine is asked: there is none in these tests.</summary>
public sealed class PrimitiveRefusalTests
{
    private static EngineAdapter NoEngine => new(EngineEndpoints.At("podman", "unix:///nonexistent/podman.sock"), TimeProvider.System);

    /// <summary>As many characters as a value may have, of four bytes each: 128 KiB, and no process is started with a variable of more, its name and a NUL included.</summary>
    private static string Wide => string.Concat(Enumerable.Repeat("\U0001F600", 32_768));

    public static TheoryData<string, string, string> Malformed => new()
    {
        { "container.create", """{"image":"--privileged"}""", "/payload/image" },
        { "container.create", """{"image":"a\u0000b"}""", "/payload/image" },
        { "container.create", """{"image":"a","argv":["x\u0000"]}""", "/payload/argv/0" },
        { "container.create", """{"image":"a","env":{"A=B":"1"}}""", "/payload/env/A=B" },
        { "container.create", """{"image":"a","env":{"A":"x\u0000"}}""", "/payload/env/A" },
        { "container.create", """{"image":"a","env":{"A":"grant://g1"}}""", "/payload/env/A" },
        { "container.create", $$$"""{"image":"a","env":{"A":"{{{Wide}}}"}}""", "/payload/env/A" },
        { "container.exec", $$$"""{"argv":["a"],"env":{"A":"{{{Wide}}}"}}""", "/payload/env/A" },
        { "container.create", """{"image":"a","resources":{"memory":"0"}}""", "/payload/resources/memory" },
        { "container.create", """{"image":"a","resources":{"memory":"64mb"}}""", "/payload/resources/memory" },
        { "container.create", """{"image":"a","resources":{"memory":"1.5GiB"}}""", "/payload/resources/memory" },
        { "container.create", """{"image":"a","resources":{"memory":"9999999999GiB"}}""", "/payload/resources/memory" },
        { "container.create", """{"image":"a","resources":{"memory":1024}}""", "/payload/resources/memory" },
        { "container.create", """{"image":"a","resources":{"cpus":"0"}}""", "/payload/resources/cpus" },
        { "container.create", """{"image":"a","resources":{"cpus":"0.0001"}}""", "/payload/resources/cpus" },
        { "container.create", """{"image":"a","resources":{"cpus":"0.009"}}""", "/payload/resources/cpus" },
        { "container.create", """{"image":"a/../b"}""", "/payload/image" },
        { "container.create", """{"image":"UPPER/case"}""", "/payload/image" },
        { "container.commit", """{"image":"a:b:c"}""", "/payload/image" },
        { "container.create", """{"image":"a","resources":{"pids":0}}""", "/payload/resources/pids" },
        { "container.create", """{"image":"a","mounts":[{"type":"bind","source":"/srv/../etc","target":"/x"}]}""", "/payload/mounts/0/source" },
        { "container.create", """{"image":"a","mounts":[{"type":"bind","source":"srv","target":"/x"}]}""", "/payload/mounts/0/source" },
        { "container.create", """{"image":"a","mounts":[{"type":"bind","source":"/srv,readonly=false","target":"/x"}]}""", "/payload/mounts/0/source" },
        { "container.create", """{"image":"a","mounts":[{"type":"bind","target":"/x"}]}""", "/payload/mounts/0/source" },
        { "container.create", """{"image":"a","mounts":[{"type":"volume","source":"/srv","target":"/x"}]}""", "/payload/mounts/0/source" },
        { "container.create", """{"image":"a","mounts":[{"type":"tmpfs","target":"/"}]}""", "/payload/mounts/0/target" },
        { "container.create", """{"image":"a","mounts":[{"type":"tmpfs","target":"/x"},{"type":"tmpfs","target":"/x/"}]}""", "/payload/mounts/1/target" },
        { "container.create", """{"image":"a","labels":{"logline.tenant":"other"}}""", "/payload/labels/logline.tenant" },
        { "container.create", """{"image":"a","ports":[{"container":0}]}""", "/payload/ports/0/container" },
        { "container.create", """{"image":"a","strategy":"forever"}""", "/payload/strategy" },
        { "container.create", """{"image":"a","strategy":"session"}""", "/payload/session_id" },
        { "container.create", """{"image":"a","strategy":"task","session_id":"s"}""", "/payload/task_id" },
        { "container.create", """{"image":"a","strategy":"session","session_id":"Never.Ended"}""", "/payload/session_id" },
        { "container.create", """{"image":"a","user":"-x"}""", "/payload/user" },
        { "container.exec", """{"argv":"ls -l"}""", "/payload/argv" },
        { "container.exec", """{"argv":[]}""", "/payload/argv" },
        { "container.exec", """{"argv":["a\u0000"]}""", "/payload/argv/0" },
        { "container.exec", """{"argv":["a"],"stdin_b64":"%"}""", "/payload/stdin_b64" },
        { "container.exec", """{"argv":["a"],"timeout_s":0}""", "/payload/timeout_s" },
        { "container.kill", """{"signal":"HELLO"}""", "/payload/signal" },
        { "container.stop", """{"timeout_s":-1}""", "/payload/timeout_s" },
    };

    [Theory, MemberData(nameof(Malformed), DisableDiscoveryEnumeration = true)]
    public async Task Malformed_IsInvalidAndNamesTheField(string intent, string members, string path)
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        var answer = await SendAsync(gateway, intent, "web", members);

        Assert.Equal("422_SCHEMA_INVALID", answer.Code);
        Assert.Contains(path, answer.Json.Items("errors").Select(error => error.Text("path")));
    }

    [Theory]
    [InlineData("-web")]
    [InlineData("Web")]
    [InlineData("a/b")]
    [InlineData("a\0")]
    [InlineData("--rm")]
    public async Task NameOfAnotherForm_IsInvalid(string name)
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        Assert.Equal("422_SCHEMA_INVALID", (await SendAsync(gateway, "container.start", name, "{}")).Code);
    }

    [Theory]
    [InlineData("""{"security":{"privileged":true}}""", "privileged")]
    [InlineData("""{"security":{"host_network":true}}""", "host_network")]
    [InlineData("""{"security":{"host_pid":true}}""", "host_pid")]
    [InlineData("""{"security":{"cap_add":["SYS_ADMIN"]}}""", "capability.sys_admin")]
    [InlineData("""{"security":{"cap_add":["SYS_PTRACE"]}}""", "capability.sys_ptrace")]
    [InlineData("""{"security":{"cap_add":["ALL"]}}""", "capability.unknown")]
    [InlineData("""{"mounts":[{"type":"bind","source":"/srv","target":"/x"}]}""", "bind")]
    public async Task NoPolicyThatAllowsIt_IsDenied(string members, string rule)
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        var answer = await SendAsync(gateway, "container.create", "web", members.Insert(1, "\"image\":\"a\","));

        Assert.Equal(("403_POLICY_DENIED", rule), (answer.Code, answer.Json.Member("details").Text("rule")));
    }

    [Theory]
    [InlineData("inside", true)]
    [InlineData("inside/missing", true)]
    [InlineData("link-inside", true)]
    [InlineData("link-outside", false)]
    [InlineData("link-outside/below", false)]
    [InlineData("circle", false)]
    [InlineData("docker.sock", false)]
    [InlineData("link-proc", false)]
    public async Task BindBelowARoot_LinksAreFollowed(string source, bool allowed)
    {
        var root = Directory.CreateTempSubdirectory("logline-root-").FullName;
        Directory.CreateDirectory(Path.Combine(root, "inside"));
        File.CreateSymbolicLink(Path.Combine(root, "link-inside"), "inside");
        File.CreateSymbolicLink(Path.Combine(root, "link-outside"), "..");
        File.CreateSymbolicLink(Path.Combine(root, "link-proc"), "/proc/self");
        File.CreateSymbolicLink(Path.Combine(root, "circle"), "circle");
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter], settings: new Dictionary<string, string?> { ["LogLine:Policy:BindRoots:0"] = root });

        var answer = await SendAsync(gateway, "container.create", "web", $$"""{"image":"a","mounts":[{"type":"bind","source":"{{root}}/{{source}}","target":"/x"}]}""");

        Assert.Equal(allowed ? "503_ADAPTER_UNAVAILABLE" : "403_POLICY_DENIED", answer.Code);
        Directory.Delete(root, recursive: true);
    }

    [Theory]
    [InlineData("/proc/1")]
    [InlineData("/etc")]
    [InlineData("/etc/shadow")]
    [InlineData("//etc//")]
    [InlineData("/root/.ssh")]
    [InlineData("/run/podman/podman.sock")]
    [InlineData("/var/run")]
    [InlineData("/dev/sda")]
    [InlineData("/sys/class")]
    [InlineData("/boot")]
    [InlineData("/")]
    public async Task BindThatHandsTheHostOver_IsDeniedWhateverTheRoots(string source)
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter], settings: new Dictionary<string, string?> { ["LogLine:Policy:BindRoots:0"] = "/" });

        var answer = await SendAsync(gateway, "container.create", "web", $$"""{"image":"a","mounts":[{"type":"bind","source":"{{source}}","target":"/x"}]}""");

        Assert.Equal("403_POLICY_DENIED", answer.Code);
    }

    [Fact]
    public async Task SubjectOfAnotherName_IsInvalid()
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        var answer = await gateway.PostAsync("""{"intent":"container.start","subject":"urn:container:dev/api","payload":{"target":{"provider":"podman"},"name":"web"}}""");

        Assert.Equal("/payload/name", Assert.Single(answer.Json.Items("errors")).Text("path"));
    }

    [Fact]
    public async Task TargetWithoutThePrimitive_IsInvalid()
    {
        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()]);

        var answer = await gateway.PostAsync("""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"fake"},"name":"web","argv":["ls"]}}""");

        Assert.Equal("422_SCHEMA_INVALID", answer.Code);
        Assert.Contains("does not carry out container.exec", answer.Body);
    }

    [Theory]
    [InlineData("unix:///run/podman/podman.sock", false), InlineData("tcp://engine.example:2375", false), InlineData("/run/podman/podman.sock", false), InlineData("second", false)]
    [InlineData("default", true)]
    public async Task Endpoint_IsTheNameOfAnEngine_AndNoAddress(string endpoint, bool isOne)
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        var answer = await gateway.PostAsync(TestGateway.Json(new { intent = "container.start", subject = "urn:container:dev/web", payload = new { target = new { provider = "podman", endpoint }, name = "web" } }));

        Assert.Equal(isOne ? "503_ADAPTER_UNAVAILABLE" : "422_SCHEMA_INVALID", answer.Code);
        Assert.Equal(isOne ? null : "/payload/target/endpoint", answer.Json.Items("errors").FirstOrDefault().Text("path"));
    }

    /// <summary>A network was made for it and left, since an engine refuses only to put the same container into it twice.</summary>
    [Fact]
    public async Task LinkOfAContainerToItself_IsNone()
    {
        using var adapter = NoEngine;
        await using var gateway = await TestGateway.StartAsync([adapter]);

        var answer = await gateway.PostAsync("""{"intent":"network.establish","subject":"urn:network:dev","payload":{"target":{"provider":"podman"},"from":"web","to":"web","port":80}}""");

        var error = answer.Json.Items("errors").Single();
        Assert.Equal(("422_SCHEMA_INVALID", "/payload/to"), (answer.Code, error.Text("path")));
        Assert.EndsWith("a container is not linked to itself; name another one in from or in to", error.Text("message"));
    }

    private static Task<Answer> SendAsync(TestGateway gateway, string intent, string name, string members) => gateway.PostAsync(
        $$"""{"intent":"{{intent}}","subject":"urn:container:dev/{{(name.Any(c => !char.IsAsciiLetterLower(c)) ? "web" : name)}}","payload":{"target":{"provider":"podman"},"name":{{TestGateway.Json(name)}}{{(members == "{}" ? "}" : "," + members[1..])}} }""");
}
