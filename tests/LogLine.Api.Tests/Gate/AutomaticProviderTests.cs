using System.Net;
using LogLine.Api.Runs;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Gate;

/// <summary><c>target.provider</c> is <c>auto</c>: the first that answers, said with the reason.</summary>
public sealed class AutomaticProviderTests
{
    [Fact]
    public async Task TheFirstThatAnswers_IsChosen_AndSaid()
    {
        var (absent, there, last) = (new FakeAdapter("podman") { IsDown = true }, new FakeAdapter("nerdctl"), new FakeAdapter("docker"));
        await using var gateway = await TestGateway.StartAsync([absent, there, last]);

        var answer = await gateway.PostAsync("""{"intent":"container.stop","subject":"urn:container:dev/web","payload":{"target":{"provider":"auto"},"name":"web"}}""");

        // Nothing of that name is there; where it was looked for is what matters.
        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Contains("on nerdctl", answer.Json.Text("detail"));
    }

    [Fact]
    public async Task ADeploy_GoesThere_AndTheRunSaysWhy_WithAProofForAutoOrForWhatItMeans()
    {
        var (absent, there) = (new FakeAdapter("podman") { IsDown = true }, new FakeAdapter("docker"));
        await using var gateway = await (await TestGateway.StartAsync([absent, there])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web");

        var answer = await gateway.PostAsync(TestGateway.Deploy(reference, "auto"));
        var run = await gateway.RunInAsync(answer.Json.Member("run").Text("run_id")!, "running");

        Assert.Equal("docker", answer.Json.Member("result").Text("chosen_provider"));
        Assert.Equal(("docker", "docker"), (run.Member("target").Text("provider"), run.Text("chosen_provider")));
        Assert.Contains("absent: podman", run.Text("chosen_because"));
        Assert.Single(there.All);
    }

    [Fact]
    public async Task NoneThatAnswers_IsUnavailable_AndAllThatWereLookedAtAreNamed()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter("podman") { IsDown = true }, new FakeAdapter("nerdctl") { IsDown = true }, new FakeAdapter("docker") { IsDown = true }])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web");

        var answer = await gateway.PostAsync(TestGateway.Deploy(reference, "auto"));

        Assert.Equal("503_ADAPTER_UNAVAILABLE", answer.Code);
        Assert.Contains("podman: the fake is down; nerdctl: the fake is down; docker: the fake is down", answer.Json.Text("detail"));
        Assert.Equal(["podman", "nerdctl", "docker"], answer.Json.Member("details").Texts("providers"));
    }
}
