using System.Runtime.CompilerServices;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Runs;

/// <summary>The spans of a subject, read by polling (<c>POST /v1/spans/query</c>).</summary>
internal sealed class SubjectHistory(Call call, GatewayClient gateway, string subject)
{
    private const int PageSize = 1000;
    private const int MaxPages = 100;
    private static readonly TimeSpan PollPause = TimeSpan.FromSeconds(1);

    // What was shown of the page that is read again: the cursor is null at the end, so the last page has no place behind it yet.
    private readonly HashSet<string> _seen = [];
    private string? _cursor;

    /// <summary>Every span, then new ones as they come, until Ctrl-C.</summary>
    public async Task<int> FollowAsync()
    {
        while (true)
        {
            await foreach (var received in NewAsync(call.Stop))
            {
                if (received.Fails(out var failure, out var span))
                {
                    return call.Screen.Refuse(failure);
                }
                if (call.Screen.Json)
                {
                    call.Screen.Document(json =>
                    {
                        json.WriteStartObject();
                        json.WriteString("event", "span");
                        json.WritePropertyName("span");
                        span.WriteTo(json);
                        json.WriteEndObject();
                    });
                }
                SpanLines.Show(call.Screen, span);
            }
            await Task.Delay(PollPause, call.Shell.Time, call.Stop);
        }
    }

    /// <summary>The spans that were not handed out yet, to the end of the ledger.</summary>
    private async IAsyncEnumerable<Attempt<JsonElement>> NewAsync([EnumeratorCancellation] CancellationToken stop)
    {
        for (var page = 0; page < MaxPages; page++)
        {
            if ((await gateway.QueryAsync("/v1/spans/query", Query(), stop)).Fails(out var failure, out var answer))
            {
                yield return failure;
                yield break;
            }
            foreach (var span in answer.Items("items"))
            {
                if (span.Text("this") is { } name && _seen.Add(name))
                {
                    yield return span;
                }
            }
            if (answer.Member("cursor") is not { ValueKind: JsonValueKind.Number or JsonValueKind.String } next)
            {
                yield break;
            }
            _cursor = next.ToString();
            _seen.Clear();
        }
        call.Note($"There is more than the {MaxPages * PageSize} spans that are read at once: go on with 'logline status {subject} --watch --after {_cursor}'.");
    }

    private CanonicalJson Query() => QueryBody.Of(subject, _cursor, PageSize);
}
