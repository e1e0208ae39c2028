using Npgsql;
using NpgsqlTypes;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>A value for <c>$1</c>, <c>$2</c> …. Its type follows from the code and not from the value, so that a statement is prepared once.</summary>
internal readonly struct PostgresParameter
{
    private readonly NpgsqlDbType _type;
    private readonly object? _value;

    private PostgresParameter(NpgsqlDbType type, object? value) => (_type, _value) = (type, value);

    /// <summary>For a command; a new one each time, since commands do not share them.</summary>
    public NpgsqlParameter ForCommand() => new() { NpgsqlDbType = _type, Value = _value ?? DBNull.Value };

    public static implicit operator PostgresParameter(string? text) => new(NpgsqlDbType.Text, WithoutNul(text));

    public static implicit operator PostgresParameter(long number) => new(NpgsqlDbType.Bigint, number);

    public static implicit operator PostgresParameter(long? number) => new(NpgsqlDbType.Bigint, number);

    public static implicit operator PostgresParameter(bool value) => new(NpgsqlDbType.Boolean, value);

    public static implicit operator PostgresParameter(byte[]? bytes) => new(NpgsqlDbType.Bytea, bytes);

    public static implicit operator PostgresParameter(DateTimeOffset time) => new(NpgsqlDbType.Bigint, time.ToUnixTimeMilliseconds());

    public static implicit operator PostgresParameter(DateTimeOffset? time) => new(NpgsqlDbType.Bigint, time?.ToUnixTimeMilliseconds());

    public static implicit operator PostgresParameter(string?[]? texts) => new(NpgsqlDbType.Array | NpgsqlDbType.Text, texts is null ? null : Array.ConvertAll(texts, WithoutNul));

    public static implicit operator PostgresParameter(long[] numbers) => new(NpgsqlDbType.Array | NpgsqlDbType.Bigint, numbers);

    public static implicit operator PostgresParameter(long?[] numbers) => new(NpgsqlDbType.Array | NpgsqlDbType.Bigint, numbers);

    public static implicit operator PostgresParameter(byte[]?[] bytes) => new(NpgsqlDbType.Array | NpgsqlDbType.Bytea, bytes);

    // PostgreSQL has no NUL in text. Nothing that is compared can hold one; an engine's message, or a receiver's, might.
    private static string? WithoutNul(string? text) => text?.Replace('\0', '\uFFFD');
}
