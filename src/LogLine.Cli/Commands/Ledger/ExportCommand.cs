using System.Buffers;
using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Verification;

namespace LogLine.Cli.Commands.Ledger;

/// <summary><c>logline ledger export</c>: a whole ledger as lines of JSON, verified while it is written (docs/operations.md).</summary>
internal static class ExportCommand
{
    private const int FlushBytes = 1 << 16;

    public static Command Create(CommandTree tree)
    {
        var output = new Argument<string>("FILE") { Description = "Where to write it; - is standard output." };
        var sources = new SourceOptions(exports: false);
        return tree.Leaf("export", "Write a whole ledger as NDJSON, and verify it on the way.", call => RunAsync(call, call.Get(output), sources), [output, .. sources.Symbols]);
    }

    private static async Task<int> RunAsync(Call call, string output, SourceOptions sources)
    {
        if ((await sources.OpenAsync(call)).Fails(out var failure, out var source))
        {
            return call.Screen.Refuse(failure);
        }
        await using var opened = source;
        try
        {
            using var draft = output == "-" ? null : new DraftFile(output); // a file gets its name when all of it is there and holds
            AuditReport report;
            await using (var file = draft is null ? call.Shell.RawOutput : File.Create(draft.Path))
            {
                if ((await WriteAsync(call, source, file)).Fails(out failure, out report!))
                {
                    return call.Screen.Refuse(failure);
                }
            }
            if (report.Finding is { } finding)
            {
                return call.Fail($"{source.Title}: {finding.Where}: {finding.Message}");
            }
            if (draft is null)
            {
                return ExitCodes.Done;
            }
            draft.Keep();
            return Say(call, output, source, report);
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return call.Screen.Refuse(CommandFailure.File(output, defect));
        }
    }

    private static int Say(Call call, string output, LedgerSource source, AuditReport report) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("file", output);
            LedgerVerification.Write(json, source, report);
            json.WriteEndObject();
        },
        line => line($"{output}: {report.Entries:N0} entries and {report.Rows:N0} rows, all of it verified", Tone.Good));

    private static async Task<Attempt<AuditReport>> WriteAsync(Call call, LedgerSource source, Stream file)
    {
        var buffer = new ArrayBufferWriter<byte>(2 * FlushBytes);
        ExportLine.WriteHeader(buffer, source.Trust, source.Entries);
        var report = await LedgerVerification.RunAsync(call, source, async row =>
        {
            ExportLine.WriteRow(buffer, row);
            if (buffer.WrittenCount > FlushBytes)
            {
                await file.WriteAsync(buffer.WrittenMemory, call.Stop);
                buffer.ResetWrittenCount();
            }
        });
        await file.WriteAsync(buffer.WrittenMemory, call.Stop);
        return report;
    }
}
