using Npgsql;
using NpgsqlTypes;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>A value for <c>$1</c>, <c>$2</c> …. Its type follows from the code and not from the value, so that a statement is prepared once.</summary>
internal readonly struct Parameter
{
    private readonly NpgsqlDbType _type;
    private readonly object? _value;

    private Parameter(NpgsqlDbType type, object? value) => (_type, _value) = (type, value);

    /// <summary>For a command; a new one each time, since commands do not share them.</summary>
    public NpgsqlParameter ForCommand() => new() { NpgsqlDbType = _type, Value = _value ?? DBNull.Value };

    // PostgreSQL has no NUL in text. Nothing that is compared can hold one; an engine's message might.
    public static implicit operator Parameter(string? text) => new(NpgsqlDbType.Text, text?.Replace('\0', '\uFFFD'));

    public static implicit operator Parameter(long number) => new(NpgsqlDbType.Bigint, number);

    public static implicit operator Parameter(long? number) => new(NpgsqlDbType.Bigint, number);

    public static implicit operator Parameter(bool value) => new(NpgsqlDbType.Boolean, value);

    public static implicit operator Parameter(byte[]? bytes) => new(NpgsqlDbType.Bytea, bytes);

    public static implicit operator Parameter(DateTimeOffset time) => new(NpgsqlDbType.Bigint, time.ToUnixTimeMilliseconds());

    public static implicit operator Parameter(DateTimeOffset? time) => new(NpgsqlDbType.Bigint, time?.ToUnixTimeMilliseconds());

    public static implicit operator Parameter(string?[] texts) => new(NpgsqlDbType.Array | NpgsqlDbType.Text, texts);

    public static implicit operator Parameter(long[] numbers) => new(NpgsqlDbType.Array | NpgsqlDbType.Bigint, numbers);

    public static implicit operator Parameter(byte[]?[] bytes) => new(NpgsqlDbType.Array | NpgsqlDbType.Bytea, bytes);
}
