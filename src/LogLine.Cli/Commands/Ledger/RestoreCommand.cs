using System.CommandLine;
using System.Text;
using LogLine.Api.Ledger;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// <c>logline ledger restore</c>: a data folder from a backup. The log gets a new name and key, unless a published checkpoint shows that nothing is lost: a log
/// never forks (docs/operations.md).
/// </summary>
internal static class RestoreCommand
{
    public static Command Create(CommandTree tree)
    {
        var backup = new Argument<string>("BACKUP") { Description = "The backup's folder." };
        var data = new Option<string>("--data") { HelpName = "DIR", Description = "The data folder to make: without a database.", Required = true };
        var published = new Option<string?>("--published")
        {
            HelpName = "FILE",
            Description = "The newest checkpoint that anybody has seen (GET /tlog/checkpoint, a witness): when the backup holds all of it, the log keeps its name [DIR/published].",
        };
        return tree.Leaf("restore", "Make a data folder of a backup.", call => Task.FromResult(Run(call, call.Get(backup), call.Get(data)!, call.Get(published))), backup, data, published);
    }

    private static int Run(Call call, string backup, string data, string? file)
    {
        string? published = null;
        if (file is not null)
        {
            if (InputFile.Read(file, call.Shell.Input, LogLine.Protocol.Merkle.SignedNote.MaxBytes).Fails(out var failure, out var bytes))
            {
                return call.Screen.Refuse(failure);
            }
            published = Encoding.UTF8.GetString(bytes);
        }
        try
        {
            var trust = LedgerCopies.Restore(backup, data, published);
            using var source = StoredLedger.Open(backup);
            return Copied.Show(call, data, trust, source.Trust, null);
        }
        catch (DataFolderException refused)
        {
            return call.Screen.Refuse(new CommandFailure("file", refused.Message));
        }
    }
}
