using System.CommandLine;
using LogLine.Api.Ledger;
using LogLine.Cli.Output;

namespace LogLine.Cli.Commands.Ledger;

/// <summary><c>logline ledger backup</c>: database and keys of a data folder, while its gateway runs; the copy is verified as a whole (docs/operations.md).</summary>
internal static class BackupCommand
{
    public static Command Create(CommandTree tree)
    {
        var target = new Argument<string>("DIR") { Description = "The backup: a folder that does not exist yet. It will hold the keys." };
        var data = new Option<string>("--data") { HelpName = "DIR", Description = "The gateway's data folder.", Required = true };
        return tree.Leaf("backup", "Copy a data folder while its gateway runs, and verify the copy.", call => RunAsync(call, call.Get(target), call.Get(data)!), target, data);
    }

    private static async Task<int> RunAsync(Call call, string target, string data)
    {
        try
        {
            LedgerCopies.Backup(data, target);
        }
        catch (DataFolderException refused)
        {
            return call.Screen.Refuse(new CommandFailure("file", refused.Message));
        }
        if (LedgerSource.OfFolder(target, null).Fails(out var failure, out var source))
        {
            return call.Screen.Refuse(failure);
        }
        await using var opened = source;
        return (await LedgerVerification.RunAsync(call, source)).Fails(out failure, out var report) ? call.Screen.Refuse(failure) : LedgerVerification.Show(call, source, report);
    }
}
