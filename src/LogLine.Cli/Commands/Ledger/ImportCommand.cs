using System.CommandLine;
using LogLine.Api.Ledger;
using LogLine.Cli.Output;
using LogLine.Protocol.Verification;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// <c>logline ledger import</c>: a data folder from an export, verified before anything of it can be opened. With the log's own keys in the folder it goes on under its
/// name, otherwise under a new one (docs/operations.md).
/// </summary>
internal static class ImportCommand
{
    private const string Database = "ConnectionStrings__Ledger";

    public static Command Create(CommandTree tree)
    {
        var input = new Argument<string>("FILE") { Description = "The export; - is standard input." };
        var data = new Option<string>("--data") { HelpName = "DIR", Description = "The data folder to make: without a database; with the log's keys/ it keeps its name.", Required = true };
        var key = new Option<string?>("--key") { HelpName = "KEY", Description = "The log's public key: 64 hex characters or base64 [the profile's]." };
        var postgres = new Option<bool>("--postgres") { Description = $"Into the empty PostgreSQL database of {Database}; DIR is the data folder of the first gateway on it." };
        return tree.Leaf("import", "Make a ledger of an export, and verify it on the way.", call => RunAsync(call, call.Get(input), call.Get(data)!, call.Get(key), call.Get(postgres)), input, data, key, postgres);
    }

    private static async Task<int> RunAsync(Call call, string input, string data, string? key, bool postgres)
    {
        var database = postgres ? call.Shell.Variable(Database) : null;
        if (postgres && string.IsNullOrEmpty(database))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"{Database} names no database: set it to a connection string, as for the gateway."));
        }
        if (call.Connection().Fails(out var failure, out var connection) || connection.LogKey(key).Fails(out failure, out var logKey)
            || (await LedgerSource.OfFileAsync(input, logKey, call)).Fails(out failure, out var source))
        {
            return call.Screen.Refuse(failure);
        }
        await using var opened = source;
        var verified = new VerifiedRows(call, source);
        try
        {
            var trust = await LedgerCopies.ImportAsync(data, database, source.Trust, verified.RowsAsync());
            return Copied.Show(call, data, trust, source.Trust, verified.Report!);
        }
        catch (VerifiedRows.NotVerifiedException)
        {
            return verified.Failure is { } broken ? call.Screen.Refuse(broken) : LedgerVerification.Show(call, source, verified.Report!);
        }
        catch (DataFolderException refused)
        {
            return call.Screen.Refuse(new CommandFailure("file", refused.Message));
        }
    }

    /// <summary>Rows on their way to somebody who takes them one after the other; they end in an exception unless all of them hold.</summary>
    private sealed class VerifiedRows(Call call, LedgerSource source)
    {
        public AuditReport? Report { get; private set; }

        public CommandFailure? Failure { get; private set; }

        public async IAsyncEnumerable<StoredRow> RowsAsync()
        {
            var rows = System.Threading.Channels.Channel.CreateBounded<StoredRow>(256);
            var verifying = VerifyAsync(rows.Writer);
            await foreach (var row in rows.Reader.ReadAllAsync(call.Stop))
            {
                yield return row;
            }
            await verifying;
            if (Failure is not null || Report!.Finding is not null)
            {
                throw new NotVerifiedException();
            }
        }

        private async Task VerifyAsync(System.Threading.Channels.ChannelWriter<StoredRow> rows)
        {
            try
            {
                if ((await LedgerVerification.RunAsync(call, source, row => rows.WriteAsync(row, call.Stop).AsTask())).Fails(out var failure, out var report))
                {
                    Failure = failure;
                }
                else
                {
                    Report = report;
                }
            }
            finally
            {
                rows.TryComplete();
            }
        }

        public sealed class NotVerifiedException : Exception;
    }
}
