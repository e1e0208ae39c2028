using System.Net;
using LogLine.Api.Submissions;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.Submissions;

/// <summary>docs/tdln.md, "An advisor": it words the reply, and nothing else.</summary>
public sealed class ReplyAdviceTests
{
    private const string NoEmail = """{"paragraph":"create person John Doe, country US, consent yes"}""";

    /// <summary>A real one, though a plain one: asks for the fields by the names that a form gives them.</summary>
    private static ValueTask<string?> Form(ReplyQuestion question, CancellationToken cancel) => new(question.Missing.Count == 0
        ? null
        : $"\"{question.Paragraph}\": we still need {string.Join(" and ", question.Missing.Select(field => field.Field switch { "payload.email" => "an e-mail address", var other => other }))}. 📮");

    [Fact]
    public async Task Advice_RewordsTheReply_AndNothingElse()
    {
        await using var plain = await TestGateway.StartAsync();
        await using var advised = await AdvisedAsync(Form, Patient);

        foreach (var body in new[] { NoEmail, NoEmail.Replace("}", ""","dry_run":false}""") })
        {
            var (before, after) = (await plain.PostAsync(body, path: "/v1/universal"), await advised.PostAsync(body, path: "/v1/universal"));

            Assert.Equal("\"create person John Doe, country US, consent yes\": we still need an e-mail address. 📮", after.Json.Text("suggested_reply"));
            Assert.Equal(before.Status, after.Status);
            Assert.Equal(Without(before), Without(after));
        }
    }

    [Fact]
    public async Task NoAdvice_LeavesTheGatesOwnReply()
    {
        await using var gateway = await AdvisedAsync(Form);

        var answer = await gateway.PostAsync("""{"paragraph":"criar algo"}""", path: "/v1/universal");

        Assert.Contains("Exemplos", answer.Json.Text("suggested_reply"));
    }

    [Fact]
    public async Task WhatIsNoDecision_IsNotAsked()
    {
        var asked = 0;
        await using var gateway = await AdvisedAsync((_, _) => new(Interlocked.Increment(ref asked).ToString()));

        await gateway.PostAsync("""{"paragraph":"create person John Doe, email j@example.com, country US, consent yes"}""", path: "/v1/universal");
        await gateway.PostAsync(NoEmail.Replace("}", ""","dry_run":false}"""), request => request.Set("X-Nonce", null), "/v1/universal");
        await gateway.PostAsync("""{"intent":"registry.person.create"}""");

        Assert.Equal(0, asked);
    }

    [Theory]
    [InlineData("throws")]
    [InlineData("throws at once")]
    [InlineData("never comes back")]
    [InlineData("blocks")]
    [InlineData("says nothing")]
    [InlineData("says too much")]
    [InlineData("says half a character")]
    public async Task AdvisorThatFails_IsIgnored(string how)
    {
        using var end = new ManualResetEventSlim();
        await using var gateway = await AdvisedAsync((question, cancel) => how switch
        {
            "throws" => new(Task.FromException<string?>(new HttpRequestException("away"))),
            "throws at once" => throw new InvalidOperationException("away"),
            "never comes back" => new(new TaskCompletionSource<string?>().Task),
            "blocks" => new(end.Wait(TimeSpan.FromMinutes(5), CancellationToken.None) ? "late" : null),
            "says nothing" => new(" \n"),
            "says too much" => new(new string('x', ReplyAdvice.MaxCharacters + 1)),
            _ => new("half \ud83d"),
        });

        var answer = await gateway.PostAsync(NoEmail, path: "/v1/universal");
        end.Set();

        Assert.Equal((HttpStatusCode.OK, "need_more"), (answer.Status, answer.Json.Text("status")));
        Assert.StartsWith("To complete this request, please provide:\n- payload.email", answer.Json.Text("suggested_reply"));
    }

    [Fact]
    public async Task AdvisorThatChangesWhatItGets_ChangesNoAnswer()
    {
        await using var gateway = await AdvisedAsync((question, _) =>
        {
            if (question.Missing is IList<LogLine.Api.Errors.MissingField> { IsReadOnly: false } fields)
            {
                fields.Clear();
            }
            return new("done");
        }, Patient);

        var answer = await gateway.PostAsync(NoEmail, path: "/v1/universal");

        Assert.Equal("done", answer.Json.Text("suggested_reply"));
        Assert.Equal(["payload.email"], answer.Json.Texts("missing_fields"));
    }

    /// <summary>So that an advisor which gives advice is not late on a busy machine.</summary>
    private static PatientTime Patient => new(ReplyAdvice.MaxWait);

    private static Task<TestGateway> AdvisedAsync(ReplyAdvisor advisor, TimeProvider? time = null) => TestGateway.StartAsync(time: time, adjust: builder => builder.Services.AddSingleton(advisor));

    private static string Without(Answer answer) =>
        string.Join('\n', answer.Json.EnumerateObject().Where(member => member.Name is not ("suggested_reply" or "trace_id")).Select(member => member.ToString()));
}
