using System.Text;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Artifacts;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>
/// A real engine and a tenant of its own on it, for one test; whatever the tenant has there is removed at the end. <c>tests/run</c>
/// starts the engines and names them in LOGLINE_TEST_PODMAN and LOGLINE_TEST_DOCKER; without them the test is skipped, or fails
/// where LOGLINE_REQUIRE_ALL says that nothing may be missing. Where <c>nerdctl</c> is wanted it is podman's command line, which takes the same verbs.
/// </summary>
internal sealed class EngineLab : IAsyncDisposable
{
    const string Image = "LOGLINE_TEST_IMAGE";

    readonly List<string> foreign = [];

    EngineLab(EngineEndpoint endpoint, EngineAdapter adapter)
    {
        (Endpoint, Adapter) = (endpoint, adapter);
        Client = new EngineClient(endpoint, EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
    }

    /// <param name="provider">The engine that is wanted.</param>
    /// <param name="foundAs">The provider as which it is found, when that is another one.</param>
    /// <param name="registries">Credentials that the operator has.</param>
    public static EngineLab Open(string provider, string? foundAs = null, params RegistryOptions[] registries) => Open(provider, WorkloadPolicy.Default, foundAs, registries);

    /// <inheritdoc cref="Open(string, string?, RegistryOptions[])"/>
    /// <param name="policy">What the operator allows.</param>
    public static EngineLab Open(string provider, WorkloadPolicy policy, string? foundAs = null, params RegistryOptions[] registries)
    {
        var isCommandLine = provider == NerdctlEngine.Provider;
        var variable = $"LOGLINE_TEST_{(isCommandLine ? "PODMAN" : provider.ToUpperInvariant())}";
        var address = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(address))
        {
            var missing = $"{variable} names no engine; tests/run starts one.";
            if (Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1")
                Assert.Fail(missing);
            Assert.Skip(missing);
        }
        var endpoint = EngineEndpoints.At(foundAs ?? (isCommandLine ? "podman" : provider), address);
        var (limits, time, credentials) = (EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of(registries));
        IContainerEngine engine = isCommandLine
            ? new NerdctlEngine(new NerdctlOptions { Binary = "podman", Arguments = ["--url", address] }, limits, credentials, time)
            : new EngineClient(endpoint, limits, time, credentials);
        return new EngineLab(endpoint, new EngineAdapter(foundAs ?? provider, engine, limits, policy, time));
    }

    public EngineEndpoint Endpoint { get; }

    public EngineAdapter Adapter { get; }

    /// <summary>The engine without the adapter, for what the adapter is asked to see or not to see.</summary>
    public EngineClient Client { get; }

    public string Tenant { get; } = $"t{Guid.NewGuid():N}"[..12];

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static string TestImage => Environment.GetEnvironmentVariable(Image) ?? "localhost/logline-test:1";

    /// <summary>A specification of this lab's tenant; without a command the image serves HTTP on 8080.</summary>
    public WorkloadSpec Spec(params string[] argv) => new()
    {
        Tenant = Tenant,
        Name = "web",
        RunId = $"run_{Guid.NewGuid():N}",
        Image = TestImage,
        Argv = argv,
    };

    public static string[] Shell(string script) => ["/bin/sh", "-c", script];

    public async Task<Workload> StartedAsync(WorkloadSpec spec)
    {
        var created = await Adapter.CreateAsync(spec, Cancel);
        return await Adapter.StartAsync(created.Id, Cancel);
    }

    /// <summary>Runs a script to its end and answers with how it ended and all that it said.</summary>
    public async Task<(WorkloadEnd End, string Output)> RunAsync(WorkloadSpec spec)
    {
        var started = await StartedAsync(spec);
        var end = await Adapter.WaitAsync(started.Id, Cancel);
        var tail = await Adapter.LogTailAsync(started.Id, 1000, 1 << 20, Cancel);
        return (end, string.Join('\n', tail.Lines));
    }

    /// <summary>A container that somebody else made on the same engine.</summary>
    public async Task<string> ForeignAsync(string name, Dictionary<string, string> labels)
    {
        var request = new ContainerRequest { Image = TestImage, Labels = labels, HostConfig = new HostConfig() };
        var id = await Client.CreateAsync(name, request, Cancel);
        Assert.NotNull(id);
        foreign.Add(id);
        return id;
    }

    /// <summary>Makes an image of a container, as somebody else would.</summary>
    public async Task<string> CommitAsync(string id, string repository, string tag)
    {
        var reply = await Client.DoAsync($"/commit?container={id}&repo={Uri.EscapeDataString(repository)}&tag={tag}", new(), EngineJson.Default.EmptyBody, "commit a container", Cancel);
        return reply.Read(EngineJson.Default.ObjectCreated, "commit a container").Id!;
    }

    /// <summary>What a primitive of this lab's tenant brings. Every session and task has ended here.</summary>
    public Task<JsonElement> DoAsync(string intent, string arguments = "{}", string name = "s") => DoAsync(intent, arguments, name, null!, () => Task.CompletedTask);

    /// <summary>What <c>image.build</c> brings; <paramref name="begun"/> comes between its judgement and the engine's work.</summary>
    public async Task<JsonElement> BuildAsync(byte[] context, string tag, Func<Task> begun)
    {
        using var artifact = new ContextArtifact(context);
        return await DoAsync("image.build", $$"""{"artifact":"blake3:context","tag":"{{tag}}"}""", "", artifact, begun);
    }

    async Task<JsonElement> DoAsync(string intent, string arguments, string name, RunArtifacts artifacts, Func<Task> begun)
    {
        var call = new PrimitiveCall
        {
            RunId = "run_x", Tenant = Tenant, Name = name, Arguments = CanonicalJson.Parse(Encoding.UTF8.GetBytes(arguments)).Root, Begun = begun, Artifacts = artifacts,
            HasEnded = (_, _) => ValueTask.FromResult(true), Progress = _ => Task.CompletedTask, TurnOf = async (container, cancel) => await new WorkloadTurns().TakeAsync("podman", Tenant, container, cancel),
        };
        return (await Adapter.Primitives[intent](call, Cancel)).Body;
    }

    /// <summary>One file, whatever it is asked for.</summary>
    sealed class ContextArtifact : RunArtifacts, IDisposable
    {
        readonly string path = Path.GetTempFileName();

        public ContextArtifact(byte[] content) => File.WriteAllBytes(path, content);

        public override long MaxBytes => 1 << 30;

        public override Task<FileStream?> OpenReadAsync(string? name, CancellationToken cancel) => Task.FromResult<FileStream?>(File.OpenRead(path));

        public override Task<StoredArtifact> WriteAsync(Func<Stream, Task> write, CancellationToken cancel) => throw new NotSupportedException();

        public void Dispose() => File.Delete(path);
    }

    public async Task PauseAsync(string id)
    {
        using var connection = new EngineConnection(Endpoint, EngineLimits.Default, TimeProvider.System, 1);
        (await connection.CallAsync(HttpMethod.Post, $"/containers/{id}/pause", null, "pause a container", EngineLimits.Default.Answer, Cancel)).OrThrow();
    }

    public static async Task<AdapterException> RefusedAsync(AdapterFailure expected, Func<Task> act)
    {
        var refusal = await Assert.ThrowsAsync<AdapterException>(act);
        Assert.True(expected == refusal.Failure, $"expected {expected}, found {refusal.Failure}: {refusal.Message}");
        return refusal;
    }

    public async ValueTask DisposeAsync()
    {
        // Not the test's token: what a cancelled test leaves is removed as well.
        foreach (var container in await Client.ListAsync([(EngineLabels.Tenant, Tenant)], CancellationToken.None))
            foreign.Add(container.Id);
        foreach (var id in foreign.Distinct())
        {
            try
            {
                await Client.RemoveAsync(id, force: true, CancellationToken.None);
            }
            catch (AdapterException e) when (e.Failure == AdapterFailure.NotFound)
            {
                // Listed, and gone since.
            }
        }
        Adapter.Dispose();
        Client.Dispose();
    }
}
