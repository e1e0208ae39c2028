using System.Net;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Delivery;

/// <summary>One connection to <c>/v1/stream</c>, read line by line as bytes came.</summary>
internal sealed class SpanStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private SpanStream(HttpResponseMessage response, Stream body) => (_response, _reader) = (response, new StreamReader(body));

    public HttpResponseMessage Response => _response;

    public static async Task<SpanStream> OpenAsync(TestGateway gateway, string query = "", Action<HttpRequestMessage>? change = null, bool anonymous = false)
    {
        var client = anonymous ? new HttpClient { BaseAddress = gateway.Client.BaseAddress } : gateway.Client;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/stream" + query);
        change?.Invoke(request);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new SpanStream(response, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>The lines up to the next empty one; null at the end.</summary>
    public async Task<string[]?> BlockAsync()
    {
        var lines = new List<string>();
        while (await _reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Length == 0)
            {
                return [.. lines];
            }
            lines.Add(line);
        }
        return null;
    }

    /// <summary>The next events, without what opens the stream and without comments.</summary>
    public async Task<List<(long Id, string Data)>> EventsAsync(int count)
    {
        var events = new List<(long, string)>();
        while (events.Count < count)
        {
            var block = await BlockAsync() ?? throw new EndOfStreamException();
            if (block[0].StartsWith("id: ", StringComparison.Ordinal))
            {
                Assert.Equal(3, block.Length);
                Assert.Equal("event: span", block[1]);
                Assert.StartsWith("data: ", block[2], StringComparison.Ordinal);
                events.Add((long.Parse(block[0][4..], System.Globalization.CultureInfo.InvariantCulture), block[2][6..]));
            }
        }
        return events;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}
