using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>Gateways on one database, each with a data folder of its own and the same keys.</summary>
internal sealed class SharedLedger(string connection, IEnumerable<KeyValuePair<string, string?>>? settings = null) : IAsyncDisposable
{
    private readonly List<string> _folders = [];
    private readonly List<TestGateway> _gateways = [];

    /// <summary>Starts one more gateway. The first makes the keys and the first token; the others get both.</summary>
    public async Task<TestGateway> StartAsync(IEnumerable<LogLine.Api.Runs.IRunAdapter>? adapters = null)
    {
        var folder = NewFolder();
        if (_gateways.Count > 0)
        {
            Directory.CreateDirectory(Path.Combine(folder, "keys"));
            foreach (var key in Directory.GetFiles(Path.Combine(_folders[0], "keys")))
            {
                File.Copy(key, Path.Combine(folder, "keys", Path.GetFileName(key)));
            }
        }
        var gateway = await TestGateway.StartAsync(adapters, folder: folder, settings: Settings(), apiKey: _gateways.FirstOrDefault()?.ApiKey);
        _gateways.Add(gateway);
        return gateway;
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
