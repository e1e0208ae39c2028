namespace LogLine.Api;

/// <summary>
/// <c>LogLine.Api health [--urls URL]</c>: asks the gateway of this machine whether it is ready, by the addresses that it was told itself (arguments, environment, <c>appsettings.json</c>). For health
/// checks in images that have no other program: exit code 0 for ready or degraded, 1 otherwise.
/// </summary>
internal static class HealthCommand
{
    public const string Name = "health";

    private const string DefaultAddress = "http://localhost:5000";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] args)
    {
        var configuration = WebApplication.CreateSlimBuilder([.. args.Skip(1)]).Configuration;
        var address = Own(configuration["urls"]?.Split(';')[0] ?? (configuration["http_ports"] is { Length: > 0 } ports ? "http://*:" + ports.Split(';')[0] : DefaultAddress));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "/healthz/ready"));
            Console.WriteLine(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception absent) when (absent is HttpRequestException or TaskCanceledException)
        {
            await Console.Error.WriteLineAsync($"logline-api: nobody answers at {address}: {absent.Message}");
            return 1;
        }
    }

    /// <summary>An address at which this machine reaches itself.</summary>
    private static Uri Own(string address)
    {
        var bound = BindingAddress.Parse(address);
        return new UriBuilder(bound.Scheme, bound.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "127.0.0.1" : bound.Host, bound.Port).Uri;
    }
}
