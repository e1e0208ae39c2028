using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>A row of one store as another keeps it. The two differ in few places, and these are here.</summary>
internal static class ImportedRow
{
    private const long MinuteInMilliseconds = 60_000;

    /// <summary>What a shared store keeps and an embedded one has no use for.</summary>
    private static readonly string[] SharedAlone = ["checkpoints.touched", "head.log_key", "head.span_key", "head.webhook_key"];

    /// <summary>True for what only says which gateways are running now, and with which keys; it is not taken along. An import has its own word for the keys.</summary>
    public static bool IsOfARunningGateway(StoredRow row) => row.Table.Name is "couriers" or "key_history";

    /// <summary>The values of a row, in the order of the columns of the table that it goes into.</summary>
    /// <exception cref="DataFolderException">The table has other columns: the row was written by an older or newer program.</exception>
    public static object?[] For(RowTable target, StoredRow row)
    {
        if (row.Table.Columns.FirstOrDefault(column => target.Place(column) < 0 && !IsKnown(row.Table.Name, column)) is { } strange)
        {
            throw Other(row.Table.Name, strange);
        }
        return [.. target.Columns.Select(column => row.Table.Place(column) >= 0 ? row[column] : Missing(row, column))];
    }

    private static object? Missing(StoredRow row, string column) => (row.Table.Name, column) switch
    {
        ("nonces", "minute") when row["until"] is long until => until / MinuteInMilliseconds,
        ("nonces", "until") when row["minute"] is long minute => ((minute + 1) * MinuteInMilliseconds) - 1,
        ("checkpoints", "touched") => null,
        ("head", "log_key" or "span_key" or "webhook_key") => "", // those of the folder, which the import knows
        var (table, _) => throw Other(table, column),
    };

    private static bool IsKnown(string table, string column) => (table, column) is ("nonces", "minute" or "until") || SharedAlone.Contains($"{table}.{column}");

    private static DataFolderException Other(string table, string column) =>
        new($"The table '{table}' has other columns here ('{column}'): this program is older or newer than the one that wrote the export.");
}
