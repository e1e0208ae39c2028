using System.CommandLine;
using LogLine.Cli;
using LogLine.Cli.Commands;
using LogLine.Cli.Commands.Artifacts;
using LogLine.Cli.Commands.Deploy;
using LogLine.Cli.Commands.Keys;
using LogLine.Cli.Commands.Ledger;
using LogLine.Cli.Commands.MiniContainers;
using LogLine.Cli.Commands.Primitives;
using LogLine.Cli.Commands.Receipts;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Commands.Secrets;
using LogLine.Cli.Commands.Spans;
using LogLine.Cli.Commands.Tokens;
using LogLine.Cli.Commands.Wallet;
using LogLine.Cli.Commands.Webhooks;
using LogLine.Cli.Output;

return await Invocation.RunAsync(args, Shell.OfProcess());

/// <summary><c>logline</c>: the commands by name.</summary>
internal static class Contents
{
    public static RootCommand Root(Shell shell)
    {
        var tree = new CommandTree(shell, new GlobalOptions());
        var root = new RootCommand("LogLine: signed spans become running containers, and every step is on the ledger.")
        {
            InitCommand.Create(tree),
            LoginCommand.Create(tree),
            WhoamiCommand.Create(tree),
            CommandTree.Branch("tokens", "API tokens of the tenant.", CreateTokenCommand.Create(tree), ListTokensCommand.Create(tree), RevokeTokenCommand.Create(tree)),
            CommandTree.Branch("keys", "Signing keys of the tenant.",
                ListKeysCommand.Create(tree), RegisterKeyCommand.Create(tree), RotateKeyCommand.Create(tree), RevokeKeyCommand.Create(tree)),
            CommandTree.Branch("minicontainer", "Manifests of MiniContainers.",
                VerifyManifestCommand.Create(tree), SignCommand.Create(tree), PackCommand.Create(tree), ShowCommand.Create(tree), ListCommand.Create(tree), ApplyCommand.Create(tree)),
            CommandTree.Branch("wallet", "Proofs and grants.", ProveCommand.Create(tree), GrantCommand.Create(tree)),
            CommandTree.Branch("secrets", "Secrets that only runners open.", SealCommand.Create(tree)),
            CommandTree.Branch("deploy", "What runs where.",
                PlanCommand.Create(tree), UpCommand.Create(tree), DeployStatusCommand.Create(tree), RollbackCommand.Create(tree), StopCommand.Create(tree), RemoveCommand.Create(tree), CancelCommand.Create(tree)),
            StatusCommand.Create(tree),
            WebhookCommands.Create(tree),
            CommandTree.Branch("artifacts", "Binary content under its own hash.", PutArtifactCommand.Create(tree), GetArtifactCommand.Create(tree), ListArtifactsCommand.Create(tree), RemoveArtifactCommand.Create(tree)),
            RunsCommand.Create(tree),
            LogsCommand.Create(tree),
            UniversalCommand.Create(tree),
            CatalogCommand.Create(tree),
            CommandTree.Branch("spans", "Spans as they are.", SendCommand.Create(tree), QueryCommand.Create(tree), TailCommand.Create(tree)),
            CommandTree.Branch("receipts", "Proof that a span is in the ledger.", GetReceiptCommand.Create(tree), VerifyReceiptCommand.Create(tree)),
            CompletionCommand.Create(tree),
            CommandTree.Branch("ledger", "The log as a whole.",
                VerifyLedgerCommand.Create(tree), ExportCommand.Create(tree), ImportCommand.Create(tree), BackupCommand.Create(tree), RestoreCommand.Create(tree), PruneCommand.Create(tree),
                ConsistencyCommand.Create(tree), WitnessCommand.Create(tree)),
        };
        foreach (var family in PrimitiveCommands.Create(tree))
        {
            root.Add(family);
        }
        tree.Globals.AddTo(root);
        CommandExamples.AddTo(root);
        return root;
    }
}
