using System.Net;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Adapters.Nerdctl;
using LogLine.Api.Policy;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.Configuration;

namespace LogLine.Api.Tests.Primitives;

/// <summary>
/// A gateway on a real engine. Its tenant is always <c>dev</c>, so names are made unique by the lab, which removes at the end whatever it has named.
/// </summary>
internal sealed class PrimitiveLab : IAsyncDisposable
{
    private readonly EngineLab _engine;
    private readonly string _mark = Guid.NewGuid().ToString("N")[..8];

    private PrimitiveLab(EngineLab engine, TestGateway gateway) => (_engine, Gateway) = (engine, gateway);

    public TestGateway Gateway { get; }

    /// <summary>The engine without the gateway.</summary>
    public EngineClient Engine => _engine.Client;

    /// <summary>The adapter that the gateway has.</summary>
    public EngineAdapter Adapter => _engine.Adapter;

    public string Provider => _engine.Adapter.Provider;

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static string Image => EngineLab.TestImage;

    public static Task<PrimitiveLab> OpenAsync(string provider, IDictionary<string, string?>? settings = null, params RegistryOptions[] registries) => OpenAsync(provider, null, settings, registries);

    /// <summary>The same, whose gateway has a clock of its own.</summary>
    public static async Task<PrimitiveLab> OpenAsync(string provider, TimeProvider? time, IDictionary<string, string?>? settings = null, params RegistryOptions[] registries)
    {
        // As in the program, the gate and the adapter have one policy.
        var policy = new ConfigurationBuilder().AddInMemoryCollection(settings ?? new Dictionary<string, string?>()).Build().GetSection("LogLine:Policy").Get<OperatorPolicy>();
        var engine = EngineLab.Open(provider, new WorkloadPolicy(policy ?? new OperatorPolicy()), registries: registries);
        return new PrimitiveLab(engine, await TestGateway.StartAsync([engine.Adapter], time, settings: settings));
    }

    /// <summary>A name of this lab's own, also in the engine.</summary>
    public string Name(string name = "web") => $"{name}-{_mark}";

    /// <summary>Sends a primitive about a named thing and waits for its end; the payload's own members come as JSON.</summary>
    public Task<Answer> SendAsync(string intent, string? name, string members = "{}", int wait = 50) => SendAsync(Gateway, intent, name, members, wait);

    /// <inheritdoc cref="SendAsync(string, string?, string, int)"/>
    public Task<Answer> SendAsync(TestGateway gateway, string intent, string? name, string members = "{}", int wait = 50)
    {
        var family = intent.Split('.')[0] switch { "port" => "container", "cleanup" => "system", var first => first };
        var payload = new Dictionary<string, object> { ["target"] = new { provider = Provider } };
        if (name is not null)
        {
            payload["name"] = name;
        }
        foreach (var member in JsonDocument.Parse(members).RootElement.EnumerateObject())
        {
            payload[member.Name] = member.Value.Clone();
        }
        var subject = $"urn:{family}:{TestGateway.Tenant}" + (name is null ? "" : "/" + name);
        return gateway.PostAsync(TestGateway.Json(new { intent, subject, payload }), request => request.Headers.Add("Prefer", $"wait={wait}"));
    }

    /// <summary>The result of a primitive that must succeed.</summary>
    public async Task<JsonElement> DoAsync(string intent, string? name, string members = "{}")
    {
        var answer = await SendAsync(intent, name, members);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        var state = answer.Json.Member("run").Text("state");
        Assert.True(state == "exited", $"{intent} is {state}: {answer.Body}");
        return answer.Json.Member("result");
    }

    /// <summary>A container of this lab, running; without a script it serves HTTP on 8080.</summary>
    public async Task<string> RunningAsync(string name = "web", string? script = null)
    {
        var full = Name(name);
        var argv = script is null ? "" : $""","argv":{JsonSerializer.Serialize(new[] { "/bin/sh", "-c", script })}""";
        await DoAsync("container.create", full, $$"""{"image":"{{Image}}"{{argv}} }""");
        await DoAsync("container.start", full);
        return full;
    }

    /// <summary>Makes <c>/tmp/go</c> in a container behind the gateway's back: a command that waits for it goes on.</summary>
    public Task ReleaseAsync(string name) => TouchAsync(name, "go");

    /// <summary>Makes a file in <c>/tmp</c> of a container, behind the gateway's back and without a command in it, which would end with a container that ends at that.</summary>
    public Task TouchAsync(string name, string file) => TouchInAsync($"{TestGateway.Tenant}-{name}", file);

    /// <summary>The same by the engine's id.</summary>
    public Task TouchInAsync(string id, string file) => Engine.UnpackAsync(id, "/tmp", async (stream, cancel) =>
    {
        await using var tar = new System.Formats.Tar.TarWriter(stream, leaveOpen: true);
        await tar.WriteEntryAsync(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, file), cancel);
    }, () => Task.CompletedTask, Cancel);

    /// <summary>Runs a command in a container of this lab.</summary>
    public Task<JsonElement> ExecAsync(string name, params string[] argv) => DoAsync("container.exec", name, Members(argv));

    /// <summary>The same with a command that must succeed.</summary>
    public async Task<JsonElement> SucceedAsync(string name, params string[] argv) => Succeeded(await ExecAsync(name, argv));

    /// <summary>What a command says that must succeed.</summary>
    public async Task<string> SaidAsync(string name, params string[] argv) => Succeeded(await HeardAsync(name, Members(argv))).Text("stdout")!;

    /// <summary>
    /// The result of a command that says something on its standard output, best in one piece. Podman's command line, which stands for nerdctl here, now and then drops the first of what a command says, and says that
    /// all is well: what comes together with the head of the engine's answer (containers/podman, issue 25855). Of one piece nothing is left to compare then, and it is asked again, a few times: what the gateway
    /// itself loses it loses each time. That its runner loses nothing now and then is shown with a program that does not either (<c>CommandTests</c>).
    /// </summary>
    /// <param name="name">The container.</param>
    /// <param name="members">The payload's own members.</param>
    /// <param name="before">What each time needs anew, as a proof.</param>
    /// <param name="mayBeLost">The engine itself may lose it as well.</param>
    public async Task<JsonElement> HeardAsync(string name, string members, Func<Task>? before = null, bool mayBeLost = false)
    {
        for (var again = mayBeLost || Provider == NerdctlEngine.Provider ? 5 : 0; ; again--)
        {
            await (before?.Invoke() ?? Task.CompletedTask);
            var result = await DoAsync("container.exec", name, members);
            if (again == 0 || result.Text("stdout") != "")
            {
                return result;
            }
        }
    }

    private static string Members(string[] argv) => $$"""{"argv":{{JsonSerializer.Serialize(argv)}} }""";

    private static JsonElement Succeeded(JsonElement result)
    {
        Assert.True(result.Integer("exit_code") == 0, result.ToString());
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var container in await Engine.ListAsync([(EngineLabels.Tenant, TestGateway.Tenant)], CancellationToken.None))
        {
            if (container.Labels?.GetValueOrDefault(EngineLabels.Name)?.EndsWith(_mark, StringComparison.Ordinal) != true)
            {
                continue; // of another test, which may be about anything with it just now
            }
            try
            {
                await Engine.RemoveAsync(container.Id, force: true, CancellationToken.None);
            }
            catch (AdapterException gone) when (gone.Failure == AdapterFailure.NotFound)
            {
                // A run that the gateway left behind was about to remove it as well.
            }
        }
        await _engine.DisposeAsync();
    }
}
