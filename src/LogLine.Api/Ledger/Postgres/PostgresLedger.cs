using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>A ledger whose store is a PostgreSQL database that several gateways may share.</summary>
public static class PostgresLedger
{
    /// <summary>
    /// Opens the ledger in a database; an empty one gets its tables, and an origin and keys that this gateway's folder then holds. Another gateway needs
    /// the same keys in its own folder.
    /// </summary>
    /// <exception cref="DataFolderException">The database cannot be used, or the keys in the folder are not those of its ledger.</exception>
    public static async Task<SpanLedger> OpenAsync(string connection, DataFolder folder, TimeProvider time, int queueLength, ILogger<SpanLedger> logger)
    {
        var store = await PostgresLedgerStore.ConnectAsync(connection, time);
        ServerKeys? keys = null;
        try
        {
            await MigrateAsync(connection);
            var known = await store.ReadKeysAsync();
            var hasKeys = Directory.EnumerateFiles(folder.Keys, "*.key").Any();
            if (known is null && hasKeys)
            {
                throw new DataFolderException($"The database holds no ledger, but {folder.Keys} holds the keys of one. Restore the database from a backup; or, to begin another log, choose another folder or move the keys away.");
            }
            if (known is not null && !hasKeys)
            {
                throw new DataFolderException($"The ledger in the database is signed by {known.Log}, and {folder.Keys} holds no keys. Copy or mount the folder 'keys' of a gateway that has them.");
            }
            if (known is not null && !File.Exists(Path.Combine(folder.Keys, "webhook.key")))
            {
                throw new DataFolderException($"{folder.Keys} has no webhook.key, from which the secrets of this ledger's webhooks are derived. Copy or mount the folder 'keys' of a gateway that has it.");
            }
            keys = ServerKeys.Open(folder.Keys, create: known is null);
            var own = new LedgerSigners(keys.LogKid, keys.SpanKid, keys.WebhookKid);
            var signers = known ?? await store.CreateAsync(keys.NewOrigin, own);
            if (signers != own)
            {
                throw new DataFolderException($"The ledger in the database is signed by {signers.Log}, {signers.Span} and {signers.Webhook}, but {folder.Keys} holds {own.Log}, {own.Span} and {own.Webhook}. Copy or mount the folder 'keys' of a gateway that has them.");
            }
            return await SpanLedger.OpenAsync(store, keys, folder.Published, time, queueLength, logger);
        }
        catch
        {
            await store.DisposeAsync();
            keys?.Dispose();
            throw;
        }
    }

    /// <summary>Brings the tables to this program's version. EF Core's lock makes several gateways that start at once take turns.</summary>
    internal static async Task MigrateAsync(string connection)
    {
        await using var context = new LedgerContext(new DbContextOptionsBuilder<LedgerContext>().UseNpgsql(connection).Options);
        try
        {
            var known = context.Database.GetMigrations().ToHashSet();
            if ((await context.Database.GetAppliedMigrationsAsync()).FirstOrDefault(applied => !known.Contains(applied)) is { } newer)
            {
                throw new DataFolderException($"The database was migrated by a newer version ({newer}). Start that one.");
            }
            await context.Database.MigrateAsync();
        }
        catch (NpgsqlException defect)
        {
            throw new DataFolderException($"The tables of the ledger cannot be made: {defect.Message}", defect);
        }
    }
}
