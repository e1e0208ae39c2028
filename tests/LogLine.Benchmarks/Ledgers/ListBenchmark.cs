using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>The MiniContainers of a tenant with a long log: by their own route, against looking through the log for what declared them.</summary>
internal static class ListBenchmark
{
    private const int Spans = 300_000;
    private const int Declared = 1_000;
    private const int PageSize = 100;
    private const int Rounds = 7;

    public static async Task<IReadOnlyList<Figure>> RunAsync(BenchmarkOptions options)
    {
        using var large = await LargeLedger.MakeAsync(Spans, Declared);
        await using var gateway = await ServerProcess.StartGatewayAsync(large.Folder);
        using var client = new HttpClient { BaseAddress = gateway.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", large.ApiKey);
        var (pages, lists, looks) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var began = Stopwatch.GetTimestamp();
            await PageAsync(client, "");
            var page = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            var (listed, list) = await TimeAsync(() => ListAsync(client));
            var (found, look) = await TimeAsync(() => LookAsync(client));
            if (listed != Declared || found != 2 * Declared)
            {
                throw new InvalidOperationException($"{listed:N0} of {Declared:N0} MiniContainers were listed, and {found:N0} declarations found.");
            }
            if (round > 0) // the first one warms up
            {
                pages.Add(page);
                lists.Add(list);
                looks.Add(look);
            }
        }
        var ratios = lists.Zip(looks, (list, look) => list / look).ToList();
        return
        [
            new Figure
            {
                Benchmark = "list",
                Measured = $"all {Declared:N0} MiniContainers of a log of {Spans:N0} spans, in pages of {PageSize}",
                Yardstick = "looking through the log (`POST /v1/spans/query`)",
                Ratio = Turns.Median(ratios),
                Spread = (ratios.Min(), ratios.Max()),
                Details = [$"a page {Turns.Median(pages):0.0} ms, all of them {Turns.Median(lists):0} ms, against {Turns.Median(looks):0} ms; the latter grows with the log, the former with what is listed"],
            },
        ];
    }

    private static async Task<(int Count, double Milliseconds)> TimeAsync(Func<Task<int>> work)
    {
        var began = Stopwatch.GetTimestamp();
        return (await work(), Stopwatch.GetElapsedTime(began).TotalMilliseconds);
    }

    private static async Task<int> ListAsync(HttpClient client)
    {
        var count = 0;
        for (string? after = ""; after is not null;)
        {
            var page = await PageAsync(client, after);
            count += page.Items("items").Count();
            after = page.Text("cursor");
        }
        return count;
    }

    private static async Task<JsonElement> PageAsync(HttpClient client, string after) =>
        JsonElement.Parse(await client.GetByteArrayAsync($"/v1/minicontainers?limit={PageSize}&after={Uri.EscapeDataString(after)}"));

    private static async Task<int> LookAsync(HttpClient client)
    {
        var count = 0;
        for (long? after = 0; after is not null;)
        {
            using var body = new StringContent($$"""{"intent":"minicontainer.applied","limit":1000,"after":{{after}}}""", Encoding.UTF8, "application/json");
            using var answer = (await client.PostAsync("/v1/spans/query", body)).EnsureSuccessStatusCode();
            var page = JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync());
            count += page.Items("items").Count();
            after = page.Integer("cursor");
        }
        return count;
    }
}
