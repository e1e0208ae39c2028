using System.CommandLine;
using LogLine.Api.Ledger;
using LogLine.Cli.Output;
using LogLine.Protocol.Quantities;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// <c>logline ledger prune</c>: entries before an index are not kept any more. The whole ledger is verified before anything goes, and a span in the log says what went (docs/operations.md).
/// </summary>
internal sealed class PruneCommand
{
    private const string Database = "ConnectionStrings__Ledger";
    private const int MaxReason = 500;

    private readonly Option<string> _data = new("--data") { HelpName = "DIR", Description = "The gateway's data folder; the gateway is stopped, unless it is on PostgreSQL.", Required = true };
    private readonly Option<long?> _before = new("--before") { HelpName = "INDEX", Description = "Entries before this index; pruned are whole tiles of 256." };
    private readonly Option<string?> _older = new("--older-than") { HelpName = "DURATION", Description = "Entries that were received before that: 90d, 36h, 30m." };
    private readonly Option<bool> _dry = new("--dry-run") { Description = "Say what would go, and change nothing." };
    private readonly Option<string?> _reason = new("--reason") { HelpName = "TEXT", Description = "Why; it stays in the log." };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask." };
    private readonly Option<bool> _postgres = new("--postgres") { Description = $"The ledger is in the PostgreSQL database of {Database}; its gateways go on." };

    public static Command Create(CommandTree tree)
    {
        var prune = new PruneCommand();
        return tree.Leaf("prune", "Stop keeping old entries; what was proved of them stays provable.", prune.RunAsync,
            prune._data, prune._before, prune._older, prune._dry, prune._reason, prune._yes, prune._postgres);
    }

    private async Task<int> RunAsync(Call call)
    {
        if (Read(call).Fails(out var failure, out var wanted))
        {
            return call.Screen.Refuse(failure);
        }
        try
        {
            await using var log = await LogPruning.OpenAsync(call.Get(_data)!, wanted.Connection, call.Shell.Time);
            return await PruneAsync(call, log, wanted);
        }
        catch (Exception refused) when (refused is DataFolderException or LedgerStoreException or LedgerUnavailableException)
        {
            return call.Screen.Refuse(new CommandFailure("file", refused.Message));
        }
    }

    private async Task<int> PruneAsync(Call call, LogPruning log, PruneBounds wanted)
    {
        var before = wanted.Before ?? await log.IndexAtAsync(call.Shell.Time.GetUtcNow() - wanted.Age);
        if (before > log.Size)
        {
            return call.Screen.Refuse(CommandFailure.Usage($"--before {before}: the log has {log.Size} entries."));
        }
        var plan = await log.PlanAsync(before);
        if (call.Get(_dry))
        {
            return Say(call, log, plan, "would go", null);
        }
        if (plan.Going == 0 && plan.Minimum == log.Minimum)
        {
            // One that was interrupted at its end has given no room back.
            return Say(call, log, plan, "went", log.Minimum > 0 ? await CompactAsync(log) : null);
        }
        if (!call.Get(_yes) && !call.Screen.Ask($"{plan.Going:N0} entries below {plan.Minimum:N0} will be gone for good. Go on?"))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"{plan.Going:N0} entries below {plan.Minimum:N0} would be gone for good: nothing was changed.", "add --yes"));
        }
        var source = LedgerSource.OfOpened(call.Get(_data)!, log);
        if ((await LedgerVerification.RunAsync(call, source)).Fails(out var failure, out var report))
        {
            return call.Screen.Refuse(failure);
        }
        if (report.Finding is not null)
        {
            return LedgerVerification.Show(call, source, report);
        }
        var gone = await log.RunAsync(plan, call.Get(_reason), pruned => call.Screen.Progress($"{pruned:N0} of {plan.Going:N0} entries are gone"), call.Stop);
        call.Screen.Progress("");
        return Say(call, log, plan with { Going = gone }, "went", await CompactAsync(log));
    }

    /// <summary>Why the room was not given back, or null.</summary>
    private static async Task<string?> CompactAsync(LogPruning log)
    {
        try
        {
            await log.CompactAsync();
            return null;
        }
        catch (LedgerStoreException cannot)
        {
            return cannot.Message;
        }
    }

    private static int Say(Call call, LogPruning log, PruningPlan plan, string verb, string? notCompacted) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteNumber("minimum_index", plan.Minimum);
            json.WriteNumber("entries", log.Size);
            json.WriteNumber("pruned", plan.Going);
            json.WriteNumber("kept_below", plan.Staying);
            json.WriteString("limited_by", plan.Limit?.Why);
            json.WriteString("not_compacted", notCompacted);
            json.WriteEndObject();
        },
        line =>
        {
            line($"{plan.Going:N0} entries {verb}; the log keeps those from {plan.Minimum:N0} on, of {log.Size:N0}, and {plan.Staying:N0} before, on which state stands", Tone.Good);
            if (plan.Limit is { } limit)
            {
                line($"  not further than {limit.Index:N0}: {limit.Why}", Tone.Plain);
            }
            if (notCompacted is not null)
            {
                line($"  the room is used again, but was not given back to the disk: {notCompacted}", Tone.Warning);
            }
        });

    private Attempt<PruneBounds> Read(Call call)
    {
        var (before, older, database) = (call.Get(_before), call.Get(_older), call.Get(_postgres) ? call.Shell.Variable(Database) : null);
        if (call.Get(_postgres) && string.IsNullOrEmpty(database))
        {
            return CommandFailure.Usage($"{Database} names no database: set it to a connection string, as for the gateway.");
        }
        if (before is null == older is null)
        {
            return CommandFailure.Usage("Say either --before INDEX or --older-than DURATION.");
        }
        if (before < 0)
        {
            return CommandFailure.Usage($"--before {before}: an index is 0 or more.");
        }
        if (call.Get(_reason) is { Length: > MaxReason } reason)
        {
            return CommandFailure.Usage($"--reason has {reason.Length} characters, more than {MaxReason}.");
        }
        var age = TimeSpan.Zero;
        return older is not null && !TimeLength.TryParse(older.EndsWith('d') ? $"P{older[..^1]}D" : older, out age, out _)
            ? CommandFailure.Usage($"--older-than '{older}': a whole number with d, h, m or s, such as 90d, or ISO 8601, such as P90D.")
            : new PruneBounds(before, age, database);
    }

    private sealed record PruneBounds(long? Before, TimeSpan Age, string? Connection);
}
