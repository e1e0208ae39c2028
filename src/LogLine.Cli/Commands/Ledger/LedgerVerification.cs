using System.Globalization;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Verification;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>A ledger is verified row by row, with a word now and then of how far it is; and what came of it is said.</summary>
internal static class LedgerVerification
{
    private const int BarWidth = 30;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    /// <summary>Verifies all of a ledger.</summary>
    /// <param name="call">Who asks.</param>
    /// <param name="source">Where the rows come from.</param>
    /// <param name="take">What else is done with each row, after it was looked at.</param>
    /// <returns>The report, or why it could not be read to its end.</returns>
    public static async Task<Attempt<AuditReport>> RunAsync(Call call, LedgerSource source, Func<StoredRow, Task>? take = null)
    {
        var audit = new LedgerAudit(source.Trust);
        var (clock, began) = (call.Shell.Time, call.Shell.Time.GetTimestamp());
        var said = began;
        call.Screen.Progress(Bar(0, source.Entries, TimeSpan.Zero));
        try
        {
            await foreach (var row in source.RowsAsync(call.Stop))
            {
                if (audit.Add(row) is not null)
                {
                    break;
                }
                if (take is not null)
                {
                    await take(row);
                }
                if (clock.GetElapsedTime(said) > Between)
                {
                    said = clock.GetTimestamp();
                    call.Screen.Progress(Bar(audit.Entries, source.Entries, clock.GetElapsedTime(began)));
                }
            }
            var report = audit.Finish();
            return report.Finding is null && source.Damage() is { } damage ? report with { Finding = new AuditFinding(null, "the file", damage) } : report;
        }
        catch (Exception broken) when (broken is InvalidDataException or IOException or HttpRequestException or LogLine.Api.Ledger.LedgerStoreException)
        {
            return new CommandFailure("verification", $"{source.Title}: after {audit.Entries:N0} entries that hold: {broken.Message}");
        }
        finally
        {
            call.Screen.Progress("");
        }
    }

    private static string Bar(long done, long all, TimeSpan since)
    {
        var speed = string.Create(CultureInfo.InvariantCulture, $"{done:N0} entries verified{(since == TimeSpan.Zero ? "" : string.Create(CultureInfo.InvariantCulture, $", {done / since.TotalSeconds:N0} a second"))}");
        if (all == 0)
        {
            return speed;
        }
        var full = (int)Math.Min(BarWidth, done * BarWidth / all);
        return $"[{new string('#', full)}{new string('.', BarWidth - full)}] {Math.Min(100, done * 100 / all)} %  {speed}";
    }

    /// <summary>Says what came of a verification.</summary>
    /// <returns>The exit code.</returns>
    public static int Show(Call call, LedgerSource source, AuditReport report)
    {
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                Write(json, source, report);
                json.WriteEndObject();
            },
            line =>
            {
                if (report.Finding is { } finding)
                {
                    line($"DAMAGED  {finding.Where}: {finding.Message}", Tone.Bad);
                    line($"  {report.Entries:N0} entries before it hold", Tone.Plain);
                    return;
                }
                line($"whole    {source.Trust.Origin}, {report.Entries:N0} entries, root sha256:{Convert.ToHexStringLower(report.Root)}", Tone.Good);
                line($"  {report.Signatures:N0} span signatures, {report.Checkpoints:N0} checkpoints, {report.Rows:N0} rows beside the log", Tone.Plain);
                if (report.Minimum > 0)
                {
                    line($"  entries below {report.Minimum:N0} are pruned: of {report.Pruned:N0} of them place, name and leaf hash are proved, what they said and who signed it cannot be; {report.Minimum - report.Pruned:N0} are kept, and proved whole", Tone.Plain);
                }
                if (report.Erased.Count > 0)
                {
                    line($"  content erased, place and hash proved: {string.Join(", ", report.Erased.Take(20))}{(report.Erased.Count > 20 ? $" and {report.Erased.Count - 20:N0} more" : "")}", Tone.Plain);
                }
            });
        return report.Finding is { } found ? call.Fail($"{source.Title}: {found.Where}: {found.Message}") : ExitCodes.Done;
    }

    /// <summary>Writes the members of a report.</summary>
    public static void Write(Utf8JsonWriter json, LedgerSource source, AuditReport report)
    {
        json.WriteBoolean("valid", report.Finding is null);
        json.WriteString("origin", source.Trust.Origin);
        json.WriteNumber("entries", report.Entries);
        json.WriteString("root_hash", "sha256:" + Convert.ToHexStringLower(report.Root));
        json.WriteNumber("signatures", report.Signatures);
        json.WriteNumber("checkpoints", report.Checkpoints);
        json.WriteNumber("rows", report.Rows);
        json.WriteNumber("minimum_index", report.Minimum);
        json.WriteNumber("pruned", report.Pruned);
        json.WriteStartArray("erased");
        foreach (var index in report.Erased)
        {
            json.WriteNumberValue(index);
        }
        json.WriteEndArray();
        if (report.Finding is not { } finding)
        {
            return;
        }
        json.WriteStartObject("finding");
        if (finding.Index is { } first)
        {
            json.WriteNumber("index", first);
        }
        json.WriteString("where", finding.Where);
        json.WriteString("message", finding.Message);
        json.WriteEndObject();
    }
}
