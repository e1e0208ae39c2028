using LogLine.Api.Adapters;
using LogLine.Api.Policy;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Whoever holds an engine's socket holds its machine: no container gets one, whatever it is called, in whatever folder it lies, and whatever roots the operator has named.</summary>
public sealed class EngineSocketTests
{
    [Theory]
    [InlineData("s", false)]
    [InlineData("link", false)]
    [InlineData("", false)]
    [InlineData("other", false)]
    [InlineData("data", true)]
    public async Task BindSource_ThatHasASocketInIt_IsDenied(string source, bool isAllowed)
    {
        await using var fake = new FakeEngine(request => FakeEngine.Json(request == "GET /version" ? FakeEngine.Version
            : request.Contains("/images/", StringComparison.Ordinal) ? """{"Id":"sha256:1","RepoTags":["docker.io/library/nginx:latest"],"Size":1}""" : """{"Id":"c1"}"""));
        var socket = fake.Endpoint.Candidates.Single();
        var folder = Path.GetDirectoryName(socket.LocalPath)!;
        Directory.CreateDirectory(Path.Combine(folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "other")).FullName, "containerd.sock"), "", EngineLab.Cancel);
        File.CreateSymbolicLink(Path.Combine(folder, "link"), "s");
        var adapters = RunAdapters.Discover(name => name == "DOCKER_HOST" ? socket.ToString() : null, new AdapterOptions(), new WorkloadPolicy(new OperatorPolicy { BindRoots = [folder] }), TimeProvider.System);
        var spec = new WorkloadSpec { Tenant = "dev", Name = "web", RunId = "run_1", Image = "nginx", Mounts = [new(MountKind.Bind, Path.Combine(folder, source).TrimEnd('/'), "/host", true)] };

        var refused = await Record.ExceptionAsync(() => adapters.Single(adapter => adapter.Provider == "docker").CreateAsync(spec, () => Task.FromResult(true), EngineLab.Cancel, EngineLab.Cancel));

        Assert.Equal(isAllowed ? null : AdapterFailure.Denied, (refused as AdapterException)?.Failure);
        Assert.Equal(isAllowed, fake.Requests.Any(request => request.Contains("/containers/create", StringComparison.Ordinal)));
        foreach (var adapter in adapters.OfType<IDisposable>())
            adapter.Dispose();
    }
}
