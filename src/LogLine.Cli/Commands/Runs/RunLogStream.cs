using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LogLine.Cli.Client;

namespace LogLine.Cli.Commands.Runs;

/// <summary>What a run says, while it says it: <c>log</c>, <c>dropped</c>, and <c>end</c>, behind which nothing comes.</summary>
internal static class RunLogStream
{
    /// <summary>Reads it once: a log has no cursor, so a connection that breaks is a failure.</summary>
    public static async IAsyncEnumerable<Attempt<SseItem<JsonElement>>> FollowAsync(GatewayClient gateway, string path, [EnumeratorCancellation] CancellationToken stop)
    {
        var (failure, response) = await OpenAsync(gateway, path, stop);
        if (failure is not null)
        {
            yield return failure;
            yield break;
        }
        using var opened = response!;
        await using var stream = await opened.Content.ReadAsStreamAsync(stop);
        await using var items = SseParser.Create(stream, static (_, data) => Parse(data)).EnumerateAsync(stop).GetAsyncEnumerator(stop);
        while (true)
        {
            var broken = await NextAsync(items, stop);
            if (broken is not null)
            {
                yield return broken;
                yield break;
            }
            yield return items.Current;
            if (items.Current.EventType == "end")
            {
                yield break;
            }
        }
    }

    private static async Task<(CommandFailure?, HttpResponseMessage?)> OpenAsync(GatewayClient gateway, string path, CancellationToken stop)
    {
        try
        {
            var response = await gateway.OpenStreamAsync(path, null, stop);
            if (response.IsSuccessStatusCode)
            {
                return (null, response);
            }
            using (response)
            {
                GatewayAnswers.Read(response, await response.Content.ReadAsByteArrayAsync(stop), response.RequestMessage!.RequestUri!).Fails(out var refused, out _);
                return (refused, null);
            }
        }
        catch (Exception lost) when (!stop.IsCancellationRequested && lost is HttpRequestException or IOException)
        {
            return (Broken(lost.Message), null);
        }
    }

    /// <summary>Goes on to the next item; null, or why there is none.</summary>
    private static async Task<CommandFailure?> NextAsync(IAsyncEnumerator<SseItem<JsonElement>> items, CancellationToken stop)
    {
        try
        {
            return await items.MoveNextAsync() ? null : Broken("the gateway closed the connection");
        }
        catch (Exception lost) when (!stop.IsCancellationRequested && lost is HttpRequestException or IOException or JsonException)
        {
            return Broken(lost.Message);
        }
    }

    private static CommandFailure Broken(string why) => new("network", $"The log broke off: {why}.");

    private static JsonElement Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        return JsonElement.ParseValue(ref reader);
    }
}
