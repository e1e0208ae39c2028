using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>One statement of a batch, and what it means when it changes fewer rows than it should.</summary>
/// <param name="Sql">The statement.</param>
/// <param name="Conflict">What has happened when fewer rows are changed (or found) than expected; null when any number is right.</param>
/// <param name="Values">Its parameters.</param>
internal sealed record PostgresStatement(string Sql, AppendConflict? Conflict, params PostgresParameter[] Values)
{
    /// <summary>How many rows it should change, or find.</summary>
    public int Expected { get; init; } = 1;

    /// <summary>For a batch.</summary>
    public NpgsqlBatchCommand ForBatch()
    {
        var command = new NpgsqlBatchCommand(Sql);
        foreach (var value in Values)
        {
            command.Parameters.Add(value.ForCommand());
        }
        return command;
    }
}
