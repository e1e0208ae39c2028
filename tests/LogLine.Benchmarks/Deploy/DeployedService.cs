using System.Diagnostics;
using System.Text;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Deploy;

/// <summary>A service that is deployed again and again, each time with a proof of its own.</summary>
internal sealed class DeployedService
{
    private const string Name = EngineSides.Name;
    private readonly EngineSides _sides;
    private readonly string _subject;
    private readonly string _deploy;

    private DeployedService(EngineSides sides, string subject, string deploy) => (_sides, _subject, _deploy) = (sides, subject, deploy);

    /// <summary>Applies its manifest.</summary>
    public static async Task<DeployedService> ApplyAsync(EngineSides sides)
    {
        var gateway = sides.Gateway;
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            $$"""{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"{{gateway.Tenant}}"},"deploy":{"image":"{{sides.Image}}"},"ts":"2026-11-20T12:00:00Z"}"""), SignedSpans.Kid, gateway.Key);
        var subject = $"urn:minicontainer:{gateway.Tenant}/{Name}";
        await gateway.PostAsync($$"""{"intent":"minicontainer.apply","subject":"{{subject}}","payload":{"manifest":{{Text(manifest)}} } }""");
        var target = $$"""{"provider":"{{sides.Provider}}","service":"{{Name}}"}""";
        return new DeployedService(sides, subject, $$"""{"intent":"deploy.apply","subject":"{{subject}}","payload":{"ref":"{{MiniContainerRef.Of(gateway.Tenant, Name, manifest.Root)}}","target":{{target}} } }""");
    }

    /// <summary>Deploys it; milliseconds until its container runs, and the run.</summary>
    public async Task<(double Milliseconds, string Run)> DeployAsync()
    {
        var now = TimeProvider.System.GetUtcNow();
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = _sides.Gateway.Tenant, Subject = _subject, Ts = now, Exp = now.AddMinutes(10) }.Sign(SignedSpans.Kid, _sides.Gateway.Key);
        await _sides.Gateway.PostAsync($$"""{"intent":"wallet.proof.submit","subject":"{{_subject}}","payload":{"proof":{{Text(proof)}} } }""");
        var started = Stopwatch.GetTimestamp();
        var run = (await _sides.Gateway.PostAsync(_deploy, waitSeconds: 60)).GetProperty("run");
        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        return run.Text("state") == "running" ? (elapsed, run.Text("run_id")!) : throw new InvalidOperationException("The run did not get to running: " + run);
    }

    /// <summary>Waits until a run has ended.</summary>
    public async Task EndedAsync(string run)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await _sides.Gateway.GetAsync("/v1/runs/" + run)).Text("state") is "running" or "pending" or "planned" or "applied")
        {
            await Task.Delay(5, patience.Token);
        }
    }

    private static string Text(CanonicalJson json) => Encoding.UTF8.GetString(json.Utf8.Span);
}
