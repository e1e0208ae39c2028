namespace LogLine.Api.Ledger.Sqlite;

/// <summary>A ledger whose store is a file in the data folder.</summary>
public static class SqliteLedger
{
    /// <summary>Opens the ledger in the folder; a new folder gets keys, an origin and an empty log.</summary>
    /// <exception cref="DataFolderException">It is damaged, incomplete, or from a newer version.</exception>
    public static async Task<SpanLedger> OpenAsync(DataFolder folder, TimeProvider time, int queueLength, ILogger<SpanLedger> logger)
    {
        var isNew = !File.Exists(folder.Database);
        if (isNew && Directory.EnumerateFiles(folder.Keys, "*.key").Any())
        {
            // An empty log under keys that have signed checkpoints before would be a fork of it (contract, section 9).
            throw new DataFolderException($"{folder.Database} is missing, but {folder.Keys} holds the keys of a ledger. Restore the database from a backup; or, to begin another log, choose another folder or move the keys away.");
        }
        var keys = ServerKeys.Open(folder.Keys, create: isNew);
        SqliteLedgerStore? store = null;
        try
        {
            store = SqliteLedgerStore.Open(folder.Database, keys.NewOrigin);
            return await SpanLedger.OpenAsync(store, keys, folder.Published, time, queueLength, logger);
        }
        catch
        {
            if (store is not null)
            {
                await store.DisposeAsync();
            }
            keys.Dispose();
            throw;
        }
    }
}
