using Npgsql;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>PostgreSQL refused, failed, or is not there; the message is its own.</summary>
internal sealed class PostgresStoreException(NpgsqlException cause) : LedgerStoreException("PostgreSQL: " + cause.Message, cause);
