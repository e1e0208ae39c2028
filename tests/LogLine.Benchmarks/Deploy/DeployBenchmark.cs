using System.Diagnostics;
using System.Text;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Deploy;

/// <summary>A proven deploy until its container runs, against create and start of the same image by the engine's own API.</summary>
internal static class DeployBenchmark
{
    private const int Rounds = 9;
    private const string Measured = "`deploy.apply` from the request to `run_state.running` in its answer (`Prefer: wait`)";
    private const string Name = "web";
    private static readonly string[] Providers = ["podman", "docker"];

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        var figures = new List<Figure>();
        foreach (var provider in Providers)
        {
            var variable = "LOGLINE_TEST_" + provider.ToUpperInvariant();
            figures.Add(Environment.GetEnvironmentVariable(variable) is { Length: > 0 } socket
                ? await RunAsync(provider, socket)
                : Figure.Skipped("deploy", Measured, $"{provider}: create and start by the Engine API", $"{variable} is not set; `tests/run --with` sets it."));
        }
        return figures;
    }

    private static async Task<Figure> RunAsync(string provider, string socket)
    {
        var image = Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE") ?? "localhost/logline-test:1";
        using var engine = new EngineDirect(new Uri(socket), image);
        await using var gateway = await GatewayUnderTest.StartAsync(new Dictionary<string, string?> { [provider == "podman" ? "CONTAINER_HOST" : "DOCKER_HOST"] = socket });
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$"""{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"{{gateway.Tenant}}"},"deploy":{"image":"{{image}}"},"ts":"2026-11-20T12:00:00Z"}"""), SignedSpans.Kid, gateway.Key);
        var subject = $"urn:minicontainer:{gateway.Tenant}/{Name}";
        await gateway.PostAsync($$"""{"intent":"minicontainer.apply","subject":"{{subject}}","payload":{"manifest":{{Text(manifest)}} } }""");
        var target = $$"""{"provider":"{{provider}}","service":"{{Name}}"}""";
        var deploy = $$"""{"intent":"deploy.apply","subject":"{{subject}}","payload":{"ref":"{{MiniContainerRef.Of(gateway.Tenant, Name, manifest.Root)}}","target":{{target}} } }""";

        async Task<double> Deploy()
        {
            await ProveAsync(gateway, subject);
            var started = Stopwatch.GetTimestamp();
            var ack = await gateway.PostAsync(deploy, waitSeconds: 60);
            var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            var run = ack.GetProperty("run");
            await EndAsync(gateway, engine, run.Text("run_id")!);
            return run.Text("state") == "running" ? elapsed : throw new InvalidOperationException("The run did not get to running: " + ack);
        }
        await Deploy();
        await engine.CreateAndStartAsync();
        var turns = await Turns.TakeAsync(Rounds, Deploy, engine.CreateAndStartAsync);
        return new Figure
        {
            Benchmark = "deploy",
            Measured = Measured,
            Yardstick = $"{provider}: create and start of the same image by the Engine API over its socket",
            Ratio = turns.Ratio,
            Spread = (turns.Lowest, turns.Highest),
            Target = new Target(1.15, AtLeast: false),
            Details = [$"{turns.Measured:0} ms against {turns.Yardstick:0} ms, {Rounds} rounds"],
            Limit = "The engine's own create and start; the gateway adds five durable commits (span and plan, lease, pending, applied, running) and two inspections.",
        };
    }

    private static Task ProveAsync(GatewayUnderTest gateway, string subject)
    {
        var now = TimeProvider.System.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = gateway.Tenant, Subject = subject, Ts = now, Exp = now.AddMinutes(10) }.Sign(SignedSpans.Kid, gateway.Key);
        return gateway.PostAsync($$"""{"intent":"wallet.proof.submit","subject":"{{subject}}","payload":{"proof":{{Text(proof)}} } }""");
    }

    // The next round needs the name again: the container goes, and the gateway has to have seen it.
    private static async Task EndAsync(GatewayUnderTest gateway, EngineDirect engine, string runId)
    {
        await engine.RemoveAsync($"{gateway.Tenant}-{Name}");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await gateway.GetAsync("/v1/runs/" + runId)).Text("state") is "running" or "pending" or "planned" or "applied")
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private static string Text(CanonicalJson json) => Encoding.UTF8.GetString(json.Utf8.Span);
}
