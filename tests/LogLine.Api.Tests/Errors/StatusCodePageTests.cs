using System.Text;
using LogLine.Api.Errors;
using LogLine.Api.Tests.Checkout;

namespace LogLine.Api.Tests.Errors;

/// <summary>docs/status-codes.md is made of the table of codes; LOGLINE_REWRITE=1 writes it anew.</summary>
public sealed class StatusCodePageTests
{
    [Fact]
    public async Task Page_IsWhatTheTableOfCodesSays()
    {
        var file = Repository.At("docs", "status-codes.md");
        var page = Compose();
        if (Environment.GetEnvironmentVariable("LOGLINE_REWRITE") == "1")
        {
            await File.WriteAllTextAsync(file, page, TestContext.Current.CancellationToken);
        }

        Assert.Equal(page, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    private static string Compose()
    {
        var page = new StringBuilder(
            """
            # Status codes

            <!-- Made of src/LogLine.Api/Errors/RefusalCode.cs. To write it anew:
                 LOGLINE_REWRITE=1 dotnet run --project tests/LogLine.Api.Tests -- -class "*StatusCodePageTests" -->

            A write is answered with 2xx only when the span is durable in the ledger and inside a signed tree. Everything else is one of these codes. The gate looks for
            them in its order, and the first that applies is the answer; a refused request has consumed nothing, so once it is mended it can be sent again with the same key.

            `422_TDLN_INVALID` and `422_SCHEMA_INVALID` are answered with `status` `need_more` or `invalid` and list everything that is missing or wrong. All others are
            `application/problem+json` (RFC 9457) with `code`, `detail`, `details` and `trace_id`; their `type` leads to a page of the gateway, `/problems/<code>`.

            *Again* says whether the same request, unchanged, can succeed later by itself.

            | code | HTTP | again | what it says | what to do |
            |---|---|---|---|---|

            """);
        foreach (var code in Enum.GetValues<RefusalCode>())
        {
            var meaning = code.Meaning();
            page.Append("| `").Append(meaning.Wire).Append("` | ").Append(meaning.Status).Append(" | ").Append(meaning.Retryable ? "yes" : "no")
                .Append(" | ").Append(Cell(meaning.Title)).Append(" | ").Append(Cell(meaning.Way)).Append(" |\n");
        }
        return page.ToString();
    }

    // '<token>' is no HTML element, '|' no end of a cell.
    private static string Cell(string text) => text.Replace("<", "&lt;", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);
}
