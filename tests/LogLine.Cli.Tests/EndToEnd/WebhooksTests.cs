using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class WebhooksTests(GatewayProcess gateway)
{
    [Fact]
    public async Task AWebhook_IsMadeShownRotatedReplayedAndRemoved()
    {
        using var member = await Member.JoinAsync(gateway);
        var made = (await member.RunAsync("webhooks", "create", "https://example.com/" + member.Name, "--events", "deploy.*", "--events", "run_state.*", "--description", member.Name, "--json")).Expect(0).Json;
        var id = made.Text("id")!;
        Assert.StartsWith("whsec_", made.Text("secret"));

        Assert.Contains(member.Name, (await member.RunAsync("webhooks", "list")).Expect(0).Output);
        Assert.Equal(["deploy.*", "run_state.*"], (await member.RunAsync("webhooks", "show", id, "--json")).Expect(0).Json.Texts("events"));
        Assert.Contains("active", (await member.RunAsync("webhooks", "show", id)).Expect(0).Output);
        Assert.Equal(0, (await member.RunAsync("webhooks", "deliveries", id, "--state", "dead", "--json")).Expect(0).Json.Member("items").GetArrayLength());

        var rotated = (await member.RunAsync("webhooks", "rotate", id, "--overlap", "60", "--json")).Expect(0).Json;
        Assert.NotEqual(made.Text("secret"), rotated.Text("secret"));
        Assert.Contains("shown this once", (await member.RunAsync("webhooks", "rotate", id)).Expect(0).Output);
        (await member.RunAsync("webhooks", "replay", id)).Expect(0);
        Assert.Equal("active", (await member.RunAsync("status", $"urn:webhook:dev/{id}", "--json")).Expect(0).Json.Member("fields").Text("status"));

        (await member.RunAsync("webhooks", "remove", id)).Expect(0);
        Assert.Contains("404_NOT_FOUND", (await member.RunAsync("webhooks", "show", id)).Expect(1).Errors);
        Assert.Contains("403_POLICY_DENIED", (await member.RunAsync("webhooks", "create", "https://127.0.0.1/", "--events", "*")).Expect(1).Errors);
        (await member.RunAsync("webhooks", "create", "https://example.com/")).Expect(2);
    }

    [Fact]
    public async Task MiniContainers_AreListedWithTheirLatestRef()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var second = await member.ApplyAsync(member.Manifest(script: "false"));

        var listed = (await member.RunAsync("minicontainer", "list", "--limit", "1000", "--json")).Expect(0).Json.Items("items").Single(item => item.Text("subject") == member.Subject);
        Assert.Equal(second, listed.Text("ref"));
        Assert.Contains(second, (await member.RunAsync("minicontainer", "list", "--limit", "1000")).Expect(0).Output);
        Assert.Contains("--after " + member.Subject, (await member.RunAsync("minicontainer", "list", "--limit", "1", "--after", member.Subject[..^1])).Expect(0).Errors);
        Assert.Empty((await member.RunAsync("minicontainer", "list", "--after", "urn:minicontainer:~", "--json")).Expect(0).Json.Items("items"));
        Assert.Contains("limit", (await member.RunAsync("minicontainer", "list", "--limit", "0")).Expect(1).Errors);
    }
}
