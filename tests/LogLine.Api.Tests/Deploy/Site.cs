using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Deploy;

/// <summary>A deployment: two gateways as processes, on one database and with the same keys, behind a balancer.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Dictionary<string, string> _settings;
    private readonly GatewayProcess[] _gateways = new GatewayProcess[2];
    private Balancer _balancer = null!;

    private Site(string folder, Dictionary<string, string> settings) => (_folder, _settings) = (folder, settings);

    /// <summary>Of the balancer.</summary>
    public Uri Address => _balancer.Address;

    public string ApiKey => _gateways[0].ApiKey;

    public static async Task<Site> StartAsync(string database)
    {
        var site = new Site(Directory.CreateTempSubdirectory("logline-site-").FullName, new Dictionary<string, string>
        {
            ["LogLine__Store"] = "postgres", ["ConnectionStrings__Ledger"] = database, ["LogLine__DrainSeconds"] = "2",
        });
        site._gateways[0] = await site.StartAsync(0, null);
        Directory.CreateDirectory(site.DataOf(1));
        Directory.CreateDirectory(Path.Combine(site.DataOf(1), "keys"));
        foreach (var key in Directory.GetFiles(Path.Combine(site.DataOf(0), "keys")))
        {
            File.Copy(key, Path.Combine(site.DataOf(1), "keys", Path.GetFileName(key)));
        }
        site._gateways[1] = await site.StartAsync(1, site.ApiKey);
        site._balancer = await Balancer.StartAsync(site.SocketOf(0), site.SocketOf(1));
        return site;
    }

    /// <summary>Tells a gateway to stop, as an orchestrator does, and starts the next one in its place; returns when the balancer has had time to see it.</summary>
    public async Task ReplaceAsync(int gateway)
    {
        var apiKey = ApiKey;
        _gateways[gateway].Signal("TERM");
        Assert.Equal(0, await _gateways[gateway].EndAsync());
        await _gateways[gateway].DisposeAsync();
        _gateways[gateway] = await StartAsync(gateway, apiKey);
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken); // as minReadySeconds does: two looks of the balancer
    }

    /// <summary>The whole ledger of the tenant, in order.</summary>
    public async Task<List<JsonElement>> AllSpansAsync()
    {
        using var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
        var spans = new List<JsonElement>();
        for (long? cursor = 0; cursor is { } after;)
        {
            using var answer = await client.PostAsync("/v1/spans/query", new StringContent($$"""{"after":{{after}},"limit":1000}""", System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
            var page = JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            spans.AddRange(page.Items("items"));
            cursor = page.Integer("cursor");
        }
        return spans;
    }

    private Task<GatewayProcess> StartAsync(int gateway, string? apiKey)
    {
        File.Delete(SocketOf(gateway)); // the web server leaves it behind
        return GatewayProcess.StartAsync(_settings, DataOf(gateway), apiKey, "http://unix:" + SocketOf(gateway));
    }

    private string DataOf(int gateway) => Path.Combine(_folder, "data" + gateway);

    private string SocketOf(int gateway) => Path.Combine(_folder, $"g{gateway}.sock");

    public async ValueTask DisposeAsync()
    {
        if (_balancer is not null)
        {
            await _balancer.DisposeAsync();
        }
        foreach (var gateway in _gateways.Where(one => one is not null))
        {
            await gateway.DisposeAsync();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
