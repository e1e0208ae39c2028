using LogLine.Api.Tenants;
using LogLine.Api.Tests.Hosting;
using Npgsql;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Gateways on one database, each with a data folder of its own and the same keys.</summary>
internal sealed class SharedLedger(string connection, IEnumerable<KeyValuePair<string, string?>>? settings = null) : IAsyncDisposable
{
    private readonly List<string> _folders = [];
    private readonly List<TestGateway> _gateways = [];

    /// <summary>Starts one more gateway. The first makes the keys and the first token; the others get both.</summary>
    public async Task<TestGateway> StartAsync(IEnumerable<LogLine.Api.Runs.IRunAdapter>? adapters = null, TimeProvider? time = null)
    {
        var folder = NewFolder();
        if (_gateways.Count > 0)
        {
            CopyKeys(_folders[0], folder);
        }
        var gateway = await TestGateway.StartAsync(adapters, time, folder, settings: Settings(), apiKey: _gateways.FirstOrDefault()?.ApiKey);
        _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>A data folder with the keys of the first gateway, for one more.</summary>
    public static void CopyKeys(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "keys"));
        foreach (var key in Directory.GetFiles(Path.Combine(from, "keys")))
        {
            File.Copy(key, Path.Combine(to, "keys", Path.GetFileName(key)));
        }
    }

    /// <summary>A token of a tenant, which is made when it is not there; written past the log.</summary>
    public async Task<string> AddTokenAsync(string tenant, params string[] scopes)
    {
        var token = ApiToken.Create(ApiToken.NewId(), tenant, scopes, "dev");
        await using var database = NpgsqlDataSource.Create(connection);
        await using var insert = database.CreateCommand("WITH made AS (INSERT INTO tenants VALUES($1, 0) ON CONFLICT DO NOTHING) INSERT INTO tokens VALUES($2, $1, $3, $4, 'dev', NULL, NULL)");
        foreach (var value in (object[])[tenant, token.Row.TokenId, token.Row.Hash, string.Join(' ', token.Row.Scopes)])
        {
            insert.Parameters.Add(new NpgsqlParameter { Value = value });
        }
        await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return token.Value;
    }

    /// <summary>A new data folder, removed at the end.</summary>
    public string NewFolder()
    {
        _folders.Add(Directory.CreateTempSubdirectory("logline-shared-").FullName);
        return _folders[^1];
    }

    /// <summary>The configuration that makes a gateway use the database.</summary>
    public static Dictionary<string, string?> Settings(string connection) => new() { ["LogLine:Store"] = "postgres", ["ConnectionStrings:Ledger"] = connection };

    /// <summary>That, and what else these gateways are told.</summary>
    public Dictionary<string, string?> Settings()
    {
        var all = Settings(connection);
        foreach (var (name, value) in settings ?? [])
        {
            all[name] = value;
        }
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }
        _folders.ForEach(folder => Directory.Delete(folder, recursive: true));
    }
}
