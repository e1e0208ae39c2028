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
    public static Task<SpanLedger> OpenAsync(string connection, DataFolder folder, TimeProvider time, int queueLength, ILogger<SpanLedger> logger) =>
        OpenAsync(connection, folder.Keys, folder.Published, time, queueLength, logger);

    /// <summary>The same beside the gateway whose folder it is.</summary>
    /// <param name="connection">A connection string of Npgsql's.</param>
    /// <param name="folder">The folder <c>keys</c>.</param>
    /// <param name="published">File with the last published checkpoint; null: it is that gateway's alone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="queueLength">Requests that may wait.</param>
    /// <param name="logger">For what an operator should know.</param>
    internal static async Task<SpanLedger> OpenAsync(string connection, string folder, string? published, TimeProvider time, int queueLength, ILogger<SpanLedger> logger)
    {
        var store = await PostgresLedgerStore.ConnectAsync(connection, time);
        ServerKeys? keys = null;
        try
        {
            await MigrateAsync(connection);
            var webhookKid = await store.ReadWebhookKidAsync();
            // Keys without a history have signed nothing yet (make-keys).
            if (webhookKid is null && File.Exists(Path.Combine(folder, KeyHistory.FileName)))
            {
                throw new DataFolderException($"The database holds no ledger, but {folder} holds the keys of one. Restore the database from a backup; or, to begin another log, choose another folder or move the keys away.");
            }
            if (webhookKid is not null && !Directory.EnumerateFiles(folder, "*.key").Any())
            {
                throw new DataFolderException($"The ledger in the database is signed by {(await store.ReadHeadAsync()).SignedBy}, and {folder} holds no keys. Copy or mount the folder 'keys' of a gateway that has them.");
            }
            if (webhookKid is not null && !File.Exists(Path.Combine(folder, "webhook.key")))
            {
                throw new DataFolderException($"{folder} has no webhook.key, from which the secrets of this ledger's webhooks are derived. Copy or mount the folder 'keys' of a gateway that has it.");
            }
            keys = ServerKeys.Open(folder, create: webhookKid is null);
            if (webhookKid is null)
            {
                await store.CreateAsync(keys.NewOrigin, keys.Begin(), keys.WebhookKid);
                webhookKid = await store.ReadWebhookKidAsync();
            }
            if (webhookKid != keys.WebhookKid)
            {
                throw new DataFolderException($"The ledger in the database is signed by {(await store.ReadHeadAsync()).SignedBy} and its webhooks by {webhookKid}, but {folder} holds {keys.LogKid}, {keys.SpanKid} and {keys.WebhookKid}. Copy or mount the folder 'keys' of a gateway that has them.");
            }
            return await SpanLedger.OpenAsync(store, keys, published, time, queueLength, logger);
        }
        catch
        {
            await store.DisposeAsync();
            keys?.Dispose();
            throw;
        }
    }

    /// <summary>Begins to sign with the key that lies ready in a folder (it is made where it is not), or ends the older of two log keys: for every gateway on the database at the same entry.</summary>
    /// <returns>All keys, oldest first.</returns>
    /// <exception cref="DataFolderException">The database cannot be used, or the folder lacks a key that this needs.</exception>
    internal static async Task<IReadOnlyList<ServerKeyRecord>> ReplaceKeyAsync(string connection, string folder, string use, bool finish, TimeProvider time)
    {
        if (!finish && Directory.Exists(folder) && !File.Exists(ServerKeys.NextFile(folder, use)))
        {
            ServerKeys.Prepare(folder, use);
        }
        await using var store = await PostgresLedgerStore.ConnectAsync(connection, time);
        await store.ReplaceKeysAsync((origin, size, told) => ServerKeys.Replace(folder, origin, told, use, finish, size));
        return KeyHistory.Parse((await store.ReadKeyHistoryAsync())!).Records;
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
