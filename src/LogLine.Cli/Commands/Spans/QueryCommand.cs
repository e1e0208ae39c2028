using System.CommandLine;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Quantities;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Spans;

/// <summary><c>logline spans query</c>: a page of the tenant's spans, oldest first; <c>--after</c> has the cursor of the page before.</summary>
internal static class QueryCommand
{
    public static Command Create(CommandTree tree)
    {
        var filter = new SpanFilterOptions();
        var since = new Option<string?>("--since") { HelpName = "TIME", Description = "From then on: 10m ago and such (10m, 2h), or an RFC 3339 time." };
        var after = new Option<long?>("--after") { HelpName = "SEQ", Description = "Behind this cursor." };
        var limit = new Option<int>("--limit") { HelpName = "N", DefaultValueFactory = _ => 100, Description = "How many, at most 1000." };
        return tree.Leaf("query", "Find spans.", call => RunAsync(call, filter.Of(call), call.Get(since), call.Get(after), call.Get(limit)), [.. filter.All, since, after, limit]);
    }

    private static async Task<int> RunAsync(Call call, SpanFilterOptions.SpanChoice filter, string? since, long? after, int limit)
    {
        string? from = null;
        if (since is not null && Moment(call, since).Fails(out var failure, out from) || call.OpenGateway().Fails(out failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        var body = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("subject", filter.Subject), ("run_id", filter.Run), ("intent", filter.Intent), ("since", from)])
            {
                if (value is not null)
                {
                    json.WriteString(name, value);
                }
            }
            if (after is { } seq)
            {
                json.WriteNumber("after", seq);
            }
            json.WriteNumber("limit", limit);
            json.WriteEndObject();
        });
        if ((await gateway.QueryAsync("/v1/spans/query", body, call.Stop)).Fails(out failure, out var page))
        {
            return call.Screen.Refuse(failure);
        }
        var cursor = page.Member("cursor").ToString();
        call.Screen.Result(page.WriteTo, line =>
        {
            foreach (var span in page.Items("items"))
            {
                line(SpanLines.Line(span.Text("ts") ?? "", span.Text("intent") ?? "", $"{span.Text("subject")}  {span.Text("this")}"), Tone.Plain);
            }
        });
        if (page.Member("gap") is { ValueKind: System.Text.Json.JsonValueKind.Object } gap)
        {
            call.Note($"Not kept any more: seq {gap.Integer("from")} to {gap.Integer("to")}");
        }
        if (cursor.Length > 0)
        {
            call.Note($"There is more: --after {cursor}");
        }
        return ExitCodes.Done;
    }

    private static Attempt<string> Moment(Call call, string text)
    {
        if (Timestamps.TryParse(text, out var at))
        {
            return Timestamps.Write(at);
        }
        return TimeLength.TryParse(text, out var ago, out var problem)
            ? Timestamps.Write(call.Shell.Time.GetUtcNow() - ago)
            : CommandFailure.Usage($"'{text}' is no time ({problem}): a length of time that has passed, or an RFC 3339 time.", "--since 10m");
    }
}
