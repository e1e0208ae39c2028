using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>A file is sealed on this machine, granted, uploaded and deployed, and opened where it belongs: in the container.</summary>
public sealed class SecretTests(GatewayProcess gateway)
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task SealedFile_IsInItsContainer_AndNowhereInTheClear(bool isPacked)
    {
        var image = GatewayProcess.RequireEngine();
        using var member = await Member.JoinAsync(gateway);
        var secret = "s3cret-" + Guid.NewGuid().ToString("N");
        var (password, box) = (member.Terminal.Write("password.txt", secret), member.Terminal.At("secret_db.sealed"));
        var manifest = member.Manifest(image, "echo ${#PASSWORD} $PASSWORD; exec sleep 600");
        await File.WriteAllTextAsync(manifest, (await File.ReadAllTextAsync(manifest, Cancel)).Replace("\"engine\":\"container\"", "\"engine\":\"container\",\"env\":{\"PASSWORD\":\"grant://db\"}", StringComparison.Ordinal), Cancel);

        Assert.Contains("no runner key 'runner_x'", (await SealAsync("runner_x")).Expect(2).Errors);
        Assert.Contains("\"artifact\"", (await SealAsync(await RunnerAsync(), "--json")).Expect(0).Output);
        Assert.True((await File.ReadAllBytesAsync(box, Cancel)).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) < 0, "it is not sealed");
        (await member.RunAsync("wallet", "grant", "create", "secret_db", "--id", "db", "--aud", "podman", "--manifest", manifest)).Expect(0);
        if (isPacked)
        {
            var packed = member.Terminal.At($"{member.Name}.llc");
            (await member.RunAsync("minicontainer", "pack", manifest, "--artifact", box, "--out", packed)).Expect(0);
            await member.ApplyAsync(packed);
        }
        else
        {
            (await member.RunAsync("artifacts", "put", box)).Expect(0);
            await member.ApplyAsync(manifest);
        }
        var run = (await member.RunAsync("deploy", "up", "--target", $"podman:svc={member.Name}", "--yes", "--wait", "60", "--json")).Expect(0).Json.Text("run_id")!;

        string said;
        for (var left = 1000; (said = (await member.RunAsync("logs", run)).Expect(0).Output.Trim()).Length == 0; left--)
        {
            Assert.True(left > 0, "It never said it.");
            await Task.Delay(20, Cancel);
        }
        Assert.Equal($"{secret.Length} «grant:db»", said);
        (await member.RunAsync("deploy", "stop", member.Name, "--target", "podman", "--timeout", "1")).Expect(0);
        (await member.RunAsync("deploy", "remove", member.Name, "--target", "podman")).Expect(0);

        Task<Spoken> SealAsync(string runner, params string[] more) => member.RunAsync(["secrets", "seal", password, "--id", "secret_db", "--runner", runner, "--out", box, "--manifest", manifest, .. more]);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<string> RunnerAsync()
    {
        using var bootstrap = JsonDocument.Parse(await File.ReadAllTextAsync(gateway.BootstrapFile, Cancel));
        using var http = new HttpClient { BaseAddress = new Uri(bootstrap.RootElement.Text("base_url")!) };
        using var keys = JsonDocument.Parse(await http.GetStringAsync("/v1/keys", Cancel));
        return keys.RootElement.Items("keys").First(key => key.Text("use") == "runner").Text("kid")!;
    }
}
