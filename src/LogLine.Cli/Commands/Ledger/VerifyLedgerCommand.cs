using System.CommandLine;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// <c>logline ledger verify</c>: re-derives everything that a ledger holds, from a data folder, an export, or a gateway that shows it to a token of scope
/// <c>ledger:audit</c> (docs/operations.md).
/// </summary>
internal static class VerifyLedgerCommand
{
    public static Command Create(CommandTree tree)
    {
        var sources = new SourceOptions();
        return tree.Leaf("verify", "Verify a whole ledger: every entry, the tree, every checkpoint, every signature, every row beside the log.",
            call => RunAsync(call, sources), sources.Symbols);
    }

    private static async Task<int> RunAsync(Call call, SourceOptions sources)
    {
        if ((await sources.OpenAsync(call)).Fails(out var failure, out var source))
        {
            return call.Screen.Refuse(failure);
        }
        await using var opened = source;
        return (await LedgerVerification.RunAsync(call, source)).Fails(out failure, out var report) ? call.Screen.Refuse(failure) : LedgerVerification.Show(call, source, report);
    }
}
