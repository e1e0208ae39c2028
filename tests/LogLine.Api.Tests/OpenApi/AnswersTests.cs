using System.Net;
using LogLine.Api.OpenApi;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Tests.OpenApi;

/// <summary>Every route is called with the example of its words, and answers as they say: status, media type, and every member of the body.</summary>
public sealed class AnswersTests
{
    private static readonly string[] Order = ["PUT", "POST", "GET", "DELETE"];

    [Fact]
    public async Task EveryExample_IsAnsweredAsDocumented()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var answers = new DocumentedAnswers(gateway, await ValuesAsync(gateway));

        var faults = new List<string?>();
        // What is read is put there first, and what takes something away comes last.
        foreach (var (method, pattern, words) in answers.Routes.Where(route => route.Words.Tag != RouteTags.Workers).OrderBy(route => Array.IndexOf(Order, route.Method)))
        {
            using var request = answers.Request(method, pattern, words);
            using var answer = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            faults.Add(await DocumentedAnswers.FaultAsync(words, answer));
        }
        Assert.Equal([], faults.Where(fault => fault is not null));
    }

    [Fact]
    public async Task WithoutAToken_RoutesThatNeedOneRefuse_AndOthersDoNot()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var answers = new DocumentedAnswers(gateway, await ValuesAsync(gateway));
        gateway.Client.DefaultRequestHeaders.Authorization = null;

        foreach (var (method, pattern, words) in answers.Routes)
        {
            using var request = answers.Request(method, pattern, words);
            using var answer = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.True((answer.StatusCode == HttpStatusCode.Unauthorized) == (words.Access != RouteAccess.Anyone), $"{words.Id} answers with {answer.StatusCode}");
            if (words.Access != RouteAccess.Anyone)
            {
                Assert.Null(DocumentedAnswers.Fault(words.Id, "problem", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
            }
        }
    }

    [Fact]
    public async Task Refusals_AreAsDocumented()
    {
        await using var gateway = await TestGateway.StartAsync();

        var missing = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{}}""");
        var wrong = await gateway.PostAsync("""{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{"name":1,"email":"j","country":"PT","consent":true}}""");
        var mixed = await gateway.PostAsync("""[{"intent":"registry.person.create","subject":"urn:registry:person/joana","payload":{}},{"intent":"run_state.exited","subject":"urn:registry:person/joana","payload":{}}]""");

        Assert.Null(DocumentedAnswers.Fault("missing", "need-more", missing.Body));
        Assert.Null(DocumentedAnswers.Fault("wrong", "invalid", wrong.Body));
        Assert.Equal(HttpStatusCode.MultiStatus, mixed.Status);
        Assert.Null(DocumentedAnswers.Fault("mixed", "submission-answer", mixed.Body));
    }

    /// <summary>A value for every slot of a path; <c>operation.slot</c> goes before <c>slot</c>.</summary>
    private static async Task<Dictionary<string, string>> ValuesAsync(TestGateway gateway)
    {
        var reference = await gateway.ApplyAsync("web");
        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web")).Status);
        var deploy = (await gateway.PostAsync(TestGateway.Deploy(reference))).Json;
        var token = (await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens")).Json;
        var webhook = (await gateway.PostAsync("""{"url":"https://example.com/hooks","events":["deploy.*"]}""", path: "/v1/webhooks")).Json;
        return new Dictionary<string, string>
        {
            ["kind"] = "task",
            ["name"] = deploy.GetProperty("this").GetString()!,
            ["runId"] = deploy.GetProperty("run").GetProperty("run_id").GetString()!,
            ["tokenId"] = token.GetProperty("token_id").GetString()!,
            ["id"] = webhook.GetProperty("id").GetString()!,
            ["hash"] = ContentHash.Of(DocumentedAnswers.Bytes),
            ["code"] = "428_PROOF_REQUIRED",
            ["getTile.path"] = "0/000.p/1",
            ["getEntryBundle.path"] = "000.p/1",
        };
    }
}
