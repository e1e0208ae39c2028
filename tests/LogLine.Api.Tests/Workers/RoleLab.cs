using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Workers;

/// <summary>
/// A gateway and workers as processes of their own, with a real engine that the workers alone can reach. What was made in the engine, and every process, is gone at the end.
/// </summary>
internal sealed class RoleLab : IAsyncDisposable
{
    private const string Kid = "kid_lab";
    private const string GatewayListens = "listens on ";
    private const string WorkerListens = "health is on ";

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-roles-").FullName;
    private readonly string _mark = Guid.NewGuid().ToString("N")[..8];
    private readonly SigningKey _key = SigningKey.Generate();
    private readonly List<Process> _processes = [];
    private readonly List<Wire> _wires = [];
    private readonly ConcurrentQueue<string> _output = new();
    private readonly EngineAdapter _engine;
    private readonly string _engineAddress;
    private readonly int _leaseSeconds;
    private readonly string? _database;
    private readonly IReadOnlyDictionary<string, string?> _variables;
    private readonly IReadOnlyList<string> _gatewaySettings;
    private HttpClient _client = new();
    private Uri _address = null!;

    private RoleLab(string provider, string engineAddress, int leaseSeconds, string? database, IReadOnlyDictionary<string, string?> variables, IReadOnlyList<string> gatewaySettings)
    {
        (Provider, _engineAddress, _leaseSeconds, _database, _variables, _gatewaySettings) = (provider, engineAddress, leaseSeconds, database, variables, gatewaySettings);
        _engine = new EngineAdapter(EngineEndpoints.At(provider, engineAddress), TimeProvider.System);
    }

    public string Provider { get; }

    public EngineAdapter Engine => _engine;

    /// <summary>The engine's address.</summary>
    public string EngineAddress => _engineAddress;

    /// <summary>Where workers find the engine, when somebody stands in between.</summary>
    public string? EngineOfWorkers { get; set; }

    /// <summary>Settings of workers beside those that they need.</summary>
    public IReadOnlyList<string> WorkerSettings { get; set; } = [];

    public HttpClient Client => _client;

    public string ApiKey { get; private set; } = "";

    public SigningKey Key => _key;

    public Process Gateway { get; private set; } = null!;

    public string GatewayFolder => Path.Combine(_folder, "gateway");

    /// <summary>What the processes have logged.</summary>
    public string Output => string.Join('\n', _output);

    public string Service => "role-" + _mark;

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A gateway without engines, ready, and no worker yet; <paramref name="variables"/> are in the environment of every process.</summary>
    public static async Task<RoleLab> OpenAsync(string provider = "podman", int leaseSeconds = 30, string? database = null, IReadOnlyDictionary<string, string?>? variables = null, IReadOnlyList<string>? gatewaySettings = null)
    {
        var variable = $"LOGLINE_TEST_{provider.ToUpperInvariant()}";
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } address)
        {
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", $"{variable} names no engine; tests/run starts one.");
            Assert.Skip($"{variable} names no engine; tests/run starts one.");
            throw new InvalidOperationException();
        }
        var lab = new RoleLab(provider, address, leaseSeconds, database, variables ?? new Dictionary<string, string?>(), gatewaySettings ?? []);
        await lab.StartGatewayAsync();
        await lab.PostAsync(TestGateway.KeyRegistration(Kid, lab._key, "sign", "admin"));
        return lab;
    }

    public async Task StartGatewayAsync()
    {
        Gateway = await StartGatewayAsync(GatewayFolder);
        var bootstrap = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(GatewayFolder, "bootstrap.json"), Cancel)).RootElement;
        _client.Dispose();
        ApiKey = bootstrap.Text("api_key")!;
        _client = new HttpClient { BaseAddress = new Uri(bootstrap.Text("base_url")!), Timeout = TimeSpan.FromSeconds(100) };
        _client.DefaultRequestHeaders.Authorization = new("ApiKey", ApiKey);
        _address = _client.BaseAddress;
        _wires.ForEach(wire => wire.Server = _address);
    }

    /// <summary>Starts one more gateway on the same database, with the same keys, and asks that one from now on.</summary>
    public async Task<Uri> StartSecondGatewayAsync()
    {
        var folder = Path.Combine(_folder, "second");
        Directory.CreateDirectory(Path.Combine(folder, "keys"));
        foreach (var key in Directory.GetFiles(Path.Combine(GatewayFolder, "keys")))
        {
            File.Copy(key, Path.Combine(folder, "keys", Path.GetFileName(key)));
        }
        await StartGatewayAsync(folder);
        var address = new Uri(_output.Last(line => line.Contains(GatewayListens, StringComparison.Ordinal)).Split(GatewayListens)[1].Split(';')[0]);
        _client.Dispose();
        _client = new HttpClient { BaseAddress = address };
        _client.DefaultRequestHeaders.Authorization = new("ApiKey", ApiKey);
        return address;
    }

    private async Task<Process> StartGatewayAsync(string folder)
    {
        var before = Said(GatewayListens);
        var process = Start("gateway", folder, [$"--LogLine:Leases:Seconds={_leaseSeconds}", .. _database is null ? Array.Empty<string>() : ["--LogLine:Store=postgres"], .. _gatewaySettings], engine: null);
        await Patience.UntilAsync("a gateway that listens", () =>
        {
            Assert.False(process.HasExited, "The gateway ended before it listened: " + Output);
            return Said(GatewayListens) != before;
        });
        return process;
    }

    /// <summary>Starts a worker behind a wire of its own, and waits until the gateway has it; on a folder that an earlier one left, the same worker again.</summary>
    public async Task<(Process Process, Wire Wire)> StartWorkerAsync(string name, Wire? wire = null, params Uri[] gateways)
    {
        if (wire is null)
        {
            _wires.Add(wire = new Wire { Server = _address });
        }
        var token = Path.Combine(_folder, name + ".token");
        if (!File.Exists(token))
        {
            await File.WriteAllTextAsync(token, await RunnerTokenAsync() + "\n", Cancel);
        }
        var before = Said(WorkerListens);
        var process = Start("worker", WorkerFolder(name), [$"--LogLine:Worker:Gateway={string.Join(',', gateways.Prepend(wire.Address))}", $"--LogLine:Worker:TokenFile={token}", $"--LogLine:Worker:Name={name}", .. WorkerSettings], EngineOfWorkers ?? _engineAddress);
        await Patience.UntilAsync("a worker that listens", () =>
        {
            Assert.False(process.HasExited, "The worker ended before it listened: " + Output);
            return Said(WorkerListens) != before;
        });
        await ServedAsync(process);
        return (process, wire);
    }

    /// <summary>Waits until the gateway has a worker for the engine, which is the default one of the lab's provider if none is named.</summary>
    public Task ServedAsync(Process? process = null, string? engine = null) => Patience.UntilAsync("a worker for the engine", async () =>
    {
        Assert.False(process?.HasExited == true, "The worker ended: " + Output);
        return await IsServedAsync(engine ?? Provider);
    });

    public string WorkerFolder(string name) => Path.Combine(_folder, name);

    /// <summary>Where a worker answers for its health and metrics: the one that was started last.</summary>
    public Uri WorkerAddress => new(_output.Last(line => line.Contains(WorkerListens, StringComparison.Ordinal)).Split(WorkerListens)[1].Split(';')[0]);

    /// <summary>Replaces a key of the gateway, which must not run.</summary>
    public async Task RotateAsync(string key)
    {
        using var command = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "LogLine.Api.dll"), "rotate-key", key, "--data", GatewayFolder]) { RedirectStandardOutput = true })!;
        await command.StandardOutput.ReadToEndAsync(Cancel);
        await command.WaitForExitAsync(Cancel);
        Assert.Equal(0, command.ExitCode);
    }

    /// <summary>SIGTERM.</summary>
    public static void Stop(Process process)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL.</summary>
    public static void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }

    public async Task<string> RunnerTokenAsync(params string[] scopes)
    {
        var answer = await WriteAsync("/v1/tokens", TestGateway.Json(new { scopes = scopes.Length > 0 ? scopes : ["runner"] }));
        return answer.Text("api_key") ?? throw new InvalidOperationException(answer.ToString());
    }

    /// <summary>Applies a manifest; its ref.</summary>
    public async Task<string> ApplyAsync(string entrypoint = """["/bin/sleep","600"]""", string lifecycle = """{"stop_timeout":"1s"}""", string env = "{}", string parts = "")
    {
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},
             "deploy":{"image":"{{{Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE")}}}","entrypoint":{{{entrypoint}}},"env":{{{env}}},"lifecycle":{{{lifecycle}}}}{{{parts}}},"ts":"2026-11-20T12:00:00Z"}
            """), Kid, _key);
        var subject = Identifiers.MiniContainerSubject("dev", Service);
        var applied = await PostAsync($$$"""{"intent":"minicontainer.apply","subject":"{{{subject}}}","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
        return applied.Member("result").Text("ref")!;
    }

    public async Task<string> DeployAsync(string entrypoint = """["/bin/sleep","600"]""", string lifecycle = """{"stop_timeout":"1s"}""", string env = "{}", string parts = "")
    {
        var reference = await ApplyAsync(entrypoint, lifecycle, env, parts);
        await ProveAsync("deploy.allow", Identifiers.MiniContainerSubject("dev", Service));
        var deployed = await PostAsync(TestGateway.Deploy(reference, Provider, Service));
        return deployed.Member("run").Text("run_id")!;
    }

    public Task ProveAsync(string intent, string subject, params string[] capabilities)
    {
        var now = DateTimeOffset.UtcNow;
        var proof = new ProofDraft { Intent = intent, Tenant = "dev", Subject = subject, Ts = now, Exp = now.AddMinutes(5), Capabilities = capabilities }.Sign(Kid, _key);
        return PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"{{{subject}}}","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
    }

    /// <summary>Carries out a primitive on the lab's service, and waits for its end.</summary>
    public async Task<JsonElement> DoAsync(string intent, string members = "{}", int wait = 50)
    {
        var payload = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(members)!;
        payload["name"] = JsonSerializer.SerializeToElement(Service);
        payload["target"] = JsonSerializer.SerializeToElement(new { provider = Provider });
        return await PostAsync(TestGateway.Json(new { intent, subject = $"urn:container:dev/{Service}", payload }), wait);
    }

    public async Task<JsonElement> PostAsync(string body, int wait = 0)
    {
        var answer = await WriteAsync("/v1/spans", body, wait);
        Assert.True(answer.Text("status") == "ok", $"{answer}\n{Output}");
        return answer;
    }

    public async Task<JsonElement> WriteAsync(string path, string body, int wait = 0)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, null, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(DateTimeOffset.UtcNow));
        if (wait > 0)
        {
            request.Headers.Add("Prefer", $"wait={wait}");
        }
        using var response = await _client.SendAsync(request, Cancel);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    public Task<JsonElement> RunAsync(string runId) => _client.GetFromJsonAsync<JsonElement>("/v1/runs/" + runId, Cancel);

    /// <summary>The run once it stands there, followed over the stream from the beginning.</summary>
    public async Task<JsonElement> StateAsync(string runId, params string[] states)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            using var stream = new StreamReader(await _client.GetStreamAsync($"/v1/stream?after=0&run_id={runId}", patience.Token));
            while (await stream.ReadLineAsync(patience.Token) is { } line)
            {
                if (states.Any(state => line.Contains($"\"intent\":\"{state}\"", StringComparison.Ordinal)))
                {
                    return await RunAsync(runId);
                }
            }
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            // Said below.
        }
        Assert.Fail($"{runId} is not {string.Join(" or ", states)} but {await RunAsync(runId)}\n{Output}");
        return default;
    }

    public async Task<IReadOnlyList<JsonElement>> SpansAsync(string runId)
    {
        using var response = await _client.PostAsJsonAsync("/v1/spans/query", new { run_id = runId, limit = 1000 }, Cancel);
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("items").EnumerateArray()];
    }

    public async Task<IReadOnlyList<string?>> StatesAsync(string runId) => [.. (await SpansAsync(runId)).Select(span => span.Text("intent"))];

    /// <summary>Containers that the engine has of the lab's service, running or not.</summary>
    public Task<Workload?> ContainerAsync() => _engine.FindByNameAsync("dev", Service, Cancel)!;

    /// <summary>Makes <c>/tmp/go</c> in a container, past gateway and workers: what waits for it goes on.</summary>
    public async Task ReleaseAsync(string container)
    {
        using var client = new EngineClient(EngineEndpoints.At(Provider, EngineAddress), EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        await client.UnpackAsync(container, "/tmp", async (stream, cancel) =>
        {
            await using var tar = new System.Formats.Tar.TarWriter(stream, leaveOpen: true);
            await tar.WriteEntryAsync(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "go"), cancel);
        }, () => Task.CompletedTask, Cancel);
    }

    private int Said(string words) => _output.Count(line => line.Contains(words, StringComparison.Ordinal));

    private async Task<bool> IsServedAsync(string engine)
    {
        using var answer = await _client.GetAsync("/healthz/ready", Cancel);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).Member("engines").Member(engine).Flag("available") == true;
    }

    private Process Start(string role, string folder, IEnumerable<string> settings, string? engine)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "LogLine.Api.dll"), "--role", role, "--data", folder, "--urls", "http://127.0.0.1:0", .. settings])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var variable in new[] { "CONTAINER_HOST", "DOCKER_HOST" })
        {
            start.Environment[variable] = "unix:///nowhere/engine.sock";
        }
        foreach (var (name, value) in _variables)
        {
            start.Environment[name] = value;
        }
        if (_database is not null && engine is null)
        {
            start.Environment["ConnectionStrings__Ledger"] = _database;
        }
        if (engine is not null)
        {
            start.Environment[Provider == "podman" ? "CONTAINER_HOST" : "DOCKER_HOST"] = engine;
        }
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => _output.Enqueue($"{role} {line.Data}");
        process.ErrorDataReceived += (_, line) => _output.Enqueue($"{role} {line.Data}");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Where(process => !process.HasExited))
        {
            Kill(process);
        }
        while (await _engine.FindByNameAsync("dev", Service, CancellationToken.None) is { } left)
        {
            await _engine.RemoveAsync(left.Id, force: true, CancellationToken.None);
        }
        _wires.ForEach(wire => wire.Dispose());
        _processes.ForEach(process => process.Dispose());
        _client.Dispose();
        _key.Dispose();
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
