using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer list</c>: the names that manifests were applied under, each with its ref of now. The whole log is looked through, 20,000 entries a page, and said how far.</summary>
internal static class ListCommand
{
    private const int PageSize = 1000;

    public static Command Create(CommandTree tree) => tree.Leaf("list", "The MiniContainers that were applied, each with its latest ref.", RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await LatestAsync(call, gateway)).Fails(out failure, out var latest))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("items");
                foreach (var (subject, applied) in latest)
                {
                    json.WriteStartObject();
                    json.WriteString("subject", subject);
                    json.WriteString("ref", applied.Member("payload").Text("ref"));
                    json.WriteString("applied_at", applied.Text("ts"));
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            },
            line =>
            {
                foreach (var (_, applied) in latest)
                {
                    line($"{applied.Text("ts")}  {applied.Member("payload").Text("ref")}", Tone.Plain);
                }
            });
    }

    private static async Task<Attempt<SortedDictionary<string, JsonElement>>> LatestAsync(Call call, GatewayClient gateway)
    {
        var latest = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        for (long? after = 0; after is { } from;)
        {
            var query = CanonicalJson.Compose(json =>
            {
                json.WriteStartObject();
                json.WriteString("intent", "minicontainer.applied");
                json.WriteNumber("after", from);
                json.WriteNumber("limit", PageSize);
                json.WriteEndObject();
            });
            if ((await gateway.QueryAsync("/v1/spans/query", query, call.Stop)).Fails(out var failure, out var page))
            {
                return failure;
            }
            foreach (var span in page.Items("items").Where(span => span.Text("subject") is not null))
            {
                latest[span.Text("subject")!] = span;
            }
            after = page.Integer("cursor");
            call.Screen.Progress(after is null ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{after:N0} entries looked through, {latest.Count:N0} MiniContainers"));
        }
        return latest;
    }
}
