using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Runs;

/// <summary>The gateway is killed with <c>kill -9</c> while a real container runs, and started again on the same folder.</summary>
public sealed class CrashTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-crash-").FullName;
    private readonly string _service = "crash" + Guid.NewGuid().ToString("N")[..10];
    private readonly Dictionary<string, string> _wires = [];
    private readonly SigningKey _key = SigningKey.Generate();
    private HttpClient _client = new();
    private Process? _gateway;

    [Theory]
    [InlineData("podman")]
    [InlineData("docker")]
    public async Task KilledWhileContainerRuns_FindsRunAgain_EndsItExactlyOnce(string provider)
    {
        var address = RequireEngine(provider);
        await StartAsync();
        var runId = await DeployAsync(provider);
        await StateAsync(runId, "run_state.running");
        var adapter = new EngineAdapter(EngineEndpoints.At(provider, address), TimeProvider.System);
        try
        {
            Kill();
            await StartAsync();
            Assert.Equal("running", (await RunAsync(runId)).Text("state"));
            var container = await adapter.FindByRunAsync(runId, Cancel);
            Assert.NotNull(container);

            // Killed once more, and the container ends while nobody watches.
            Kill();
            await adapter.StopAsync(container.Id, TimeSpan.Zero, Cancel);
            await StartAsync();
            var run = await StateAsync(runId, "run_state.exited");

            Assert.Contains(run.Integer("exit_code"), new long?[] { 137, 143 }); // Docker asks with SIGTERM before it kills
            var states = await StatesAsync(runId);
            Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running", "run_state.exited"], states);
        }
        finally
        {
            if (await adapter.FindByRunAsync(runId, CancellationToken.None) is { } left)
            {
                await adapter.RemoveAsync(left.Id, force: true, CancellationToken.None);
            }
        }
    }

    /// <summary>Killed when the new container was made, while it starts or is not healthy yet.</summary>
    [Theory]
    [InlineData("podman")]
    [InlineData("docker")]
    public async Task KilledWhileOneTakesAnothersPlace_NextOneFinishes(string provider)
    {
        var address = RequireEngine(provider);
        await StartAsync();
        var old = await DeployAsync(provider);
        await StateAsync(old, "run_state.running");
        var adapter = new EngineAdapter(EngineEndpoints.At(provider, address), TimeProvider.System);
        var runs = new List<string> { old };
        try
        {
            var next = await DeployAsync(provider, """["/bin/sh","-c","sleep 1; touch /tmp/ready; exec sleep 600"]""", """{"health":{"exec":{"argv":["test","-e","/tmp/ready"]}},"stop_timeout":"1s"}""");
            runs.Add(next);
            await StateAsync(next, "deploy.applied");
            Kill();
            await StartAsync();
            await StateAsync(next, "run_state.running");
            var ended = await StateAsync(old, "run_state.exited");

            Assert.Equal(("replaced", next), (ended.Text("reason"), ended.Text("replaced_by")));
            await Patience.UntilAsync("the new container alone", async () => await adapter.FindByRunAsync(old, Cancel) is null && (await adapter.FindByNameAsync("dev", _service, Cancel))?.RunId == next);
            Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"], await StatesAsync(next));
            Assert.Single(await StatesAsync(old), "run_state.exited");
        }
        finally
        {
            foreach (var run in runs)
            {
                if (await adapter.FindByRunAsync(run, CancellationToken.None) is { } left)
                {
                    await adapter.RemoveAsync(left.Id, force: true, CancellationToken.None);
                }
            }
        }
    }

    /// <summary>Killed between two steps: before the engine hears of one, or when it has done it. The next process finds the run pending, makes one container and starts it once.</summary>
    [Theory]
    [InlineData("podman", "before", "/containers/create"), InlineData("docker", "before", "/containers/create")]
    [InlineData("podman", "behind", "/containers/create"), InlineData("docker", "behind", "/containers/create")]
    [InlineData("podman", "behind", "/start"), InlineData("docker", "behind", "/start")]
    public async Task KilledBetweenTwoSteps_NextOneFinishes(string provider, string when, string call)
    {
        var address = RequireEngine(provider);
        await using var wire = new EngineWire(address);
        _wires[provider] = wire.Address;
        await StartAsync();
        var killed = KillAt(wire, when, call);
        try
        {
            await DeployAsync(provider, """["/bin/sh","-c","echo begun; exec sleep 600"]""");
        }
        catch (HttpRequestException)
        {
            // Killed before the answer was out; the span is on the ledger.
        }
        await killed.WaitAsync(TimeSpan.FromMinutes(2), Cancel);
        await StartAsync();
        var runId = (await _client.GetFromJsonAsync<JsonElement>("/v1/runs", Cancel)).GetProperty("items")[0].Text("run_id")!;
        var adapter = new EngineAdapter(EngineEndpoints.At(provider, address), TimeProvider.System);
        using var engine = new EngineClient(EngineEndpoints.At(provider, address), EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        try
        {
            await StateAsync(runId, "run_state.running");

            var container = Assert.Single(await engine.ListAsync([(EngineLabels.Name, _service)], Cancel));
            for (var left = 2400; left > 0 && (await adapter.LogTailAsync(container.Id, 10, 1000, Cancel)).Lines.Count == 0; left--)
            {
                await Task.Delay(50, Cancel); // it runs, and says so a moment later
            }
            Assert.Equal(["begun"], (await adapter.LogTailAsync(container.Id, 10, 1000, Cancel)).Lines);
            Assert.Equal(["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied", "run_state.running"], await StatesAsync(runId));
        }
        finally
        {
            foreach (var left in await engine.ListAsync([(EngineLabels.Name, _service)], CancellationToken.None))
            {
                await adapter.RemoveAsync(left.Id, force: true, CancellationToken.None);
            }
        }
    }

    /// <summary>Kills the gateway at the first such call; completes when it is dead.</summary>
    private Task KillAt(EngineWire wire, string when, string call)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<bool> Act(string said)
        {
            if (done.Task.IsCompleted || !said.StartsWith("POST ", StringComparison.Ordinal) || !said.Split('?')[0].EndsWith(call, StringComparison.Ordinal))
            {
                return Task.FromResult(true);
            }
            Kill();
            done.SetResult();
            return Task.FromResult(false);
        }
        if (when == "before")
        {
            wire.Before = Act;
        }
        else
        {
            wire.Behind = Act;
        }
        return done.Task.ContinueWith(_ => wire.Behind = null, TaskScheduler.Default);
    }

    private async Task<string> DeployAsync(string provider, string entrypoint = """["/bin/sleep","600"]""", string lifecycle = """{"stop_timeout":"1s"}""")
    {
        await PostAsync(TestGateway.KeyRegistration("kid_crash", _key, "sign", "admin"));
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$$"""
            {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_test","tenant":"dev"},
             "deploy":{"image":"{{{Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE")}}}","entrypoint":{{{entrypoint}}},"lifecycle":{{{lifecycle}}}},"ts":"2026-11-20T12:00:00Z"}
            """), "kid_crash", _key);
        var subject = Identifiers.MiniContainerSubject("dev", _service);
        var applied = await PostAsync($$$"""{"intent":"minicontainer.apply","subject":"{{{subject}}}","payload":{"manifest":{{{TestGateway.Text(manifest)}}}}}""");
        var now = DateTimeOffset.UtcNow;
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = "dev", Subject = subject, Ts = now, Exp = now.AddMinutes(5) }.Sign("kid_crash", _key);
        await PostAsync($$$"""{"intent":"wallet.proof.submit","subject":"{{{subject}}}","payload":{"proof":{{{TestGateway.Text(proof)}}}}}""");
        var deployed = await PostAsync(TestGateway.Deploy(applied.Member("result").Text("ref")!, provider, _service));
        return deployed.Member("run").Text("run_id")!;
    }

    private async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "LogLine.Api.dll"), "--data", _folder, "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true };
        start.Environment["CONTAINER_HOST"] = _wires.GetValueOrDefault("podman") ?? Environment.GetEnvironmentVariable("LOGLINE_TEST_PODMAN");
        start.Environment["DOCKER_HOST"] = _wires.GetValueOrDefault("docker") ?? Environment.GetEnvironmentVariable("LOGLINE_TEST_DOCKER");
        _gateway = Process.Start(start)!;
        string? line;
        do
        {
            line = await _gateway.StandardOutput.ReadLineAsync(Cancel) ?? throw new InvalidOperationException("The gateway ended before it listened.");
        }
        while (!line.Contains("listens on", StringComparison.Ordinal));
        _ = _gateway.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var bootstrap = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "bootstrap.json"), Cancel)).RootElement;
        _client.Dispose();
        _client = new HttpClient { BaseAddress = new Uri(bootstrap.Text("base_url")!) };
        _client.DefaultRequestHeaders.Authorization = new("ApiKey", bootstrap.Text("api_key"));
    }

    private void Kill()
    {
        _gateway!.Kill(); // SIGKILL
        _gateway.WaitForExit();
        _gateway.Dispose();
        _gateway = null;
    }

    private async Task<JsonElement> PostAsync(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/spans") { Content = new StringContent(body, null, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(DateTimeOffset.UtcNow));
        using var response = await _client.SendAsync(request, Cancel);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(response.IsSuccessStatusCode, answer.ToString());
        return answer;
    }

    private Task<JsonElement> RunAsync(string runId) => _client.GetFromJsonAsync<JsonElement>("/v1/runs/" + runId, Cancel);

    /// <summary>The run once it stands there, followed over the stream from the beginning.</summary>
    private async Task<JsonElement> StateAsync(string runId, string state)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        using var stream = new StreamReader(await _client.GetStreamAsync($"/v1/stream?after=0&run_id={runId}", patience.Token));
        while (await stream.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.Contains($"\"intent\":\"{state}\"", StringComparison.Ordinal))
            {
                return await RunAsync(runId);
            }
        }
        throw new InvalidOperationException($"The stream ended before {runId} was {state}.");
    }

    private async Task<IEnumerable<string?>> StatesAsync(string runId)
    {
        using var response = await _client.PostAsJsonAsync("/v1/spans/query", new { run_id = runId }, Cancel);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("items").EnumerateArray().Select(span => span.Text("intent")).ToList();
    }

    private static string RequireEngine(string provider)
    {
        var variable = $"LOGLINE_TEST_{provider.ToUpperInvariant()}";
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } address)
        {
            return address;
        }
        Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", $"{variable} names no engine; tests/run starts one.");
        Assert.Skip($"{variable} names no engine; tests/run starts one.");
        return "";
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            Kill();
        }
        _client.Dispose();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
