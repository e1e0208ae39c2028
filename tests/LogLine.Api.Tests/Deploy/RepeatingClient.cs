using System.Net;
using System.Text;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Deploy;

/// <summary>A client of a site as a library is one: what got no answer, none from a gateway, or a 503, it sends again as it was.</summary>
internal sealed class RepeatingClient(Site site) : IDisposable
{
    private readonly HttpClient _client = site.Connect();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Posts until it is answered; a span until it is acked.</summary>
    public async Task<JsonElement> PostAsync(string body, string path = "/v1/spans")
    {
        var (key, timestamp) = (Guid.NewGuid().ToString("N"), Timestamps.Write(TimeProvider.System.GetUtcNow()));
        var answer = await RepeatAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.Add("X-Nonce", key);
            request.Headers.Add("Idempotency-Key", key);
            request.Headers.Add("X-Timestamp", timestamp);
            return request;
        });
        Assert.True(answer.Status is HttpStatusCode.OK or HttpStatusCode.Created, answer.Body);
        return answer.Json;
    }

    /// <summary>Reads until it is answered.</summary>
    public async Task<JsonElement> GetAsync(string path) => (await RepeatAsync(() => new HttpRequestMessage(HttpMethod.Get, path))).Json;

    /// <summary>Returns once a run stands there.</summary>
    public async Task RunInAsync(string run, string state, TimeSpan patience)
    {
        for (var began = TimeProvider.System.GetTimestamp(); ; await Task.Delay(50, Cancel))
        {
            var answer = await RepeatAsync(() => new HttpRequestMessage(HttpMethod.Get, "/v1/runs/" + run));
            if (answer.Json.Text("state") == state)
            {
                return;
            }
            Assert.True(TimeProvider.System.GetElapsedTime(began) < patience, $"not {state}: {answer.Body}");
            Assert.True(answer.Json.Text("state") is not ("failed" or "exited" or "cancelled"), answer.Body);
        }
    }

    private Task<Answer> RepeatAsync(Func<HttpRequestMessage> make) => Patience.UntilThereAsync("an answer of the site", async () =>
    {
        try
        {
            using var request = make();
            using var response = await _client.SendAsync(request, Cancel);
            return response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway ? null : await Answer.ReadAsync(response);
        }
        catch (HttpRequestException)
        {
            return null; // no answer: the same again
        }
    });

    public void Dispose() => _client.Dispose();
}
