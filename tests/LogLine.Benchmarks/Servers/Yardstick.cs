using System.Text.Json;
using LogLine.Benchmarks.Canonical;
using LogLine.Protocol.Crypto;

namespace LogLine.Benchmarks.Servers;

/// <summary>
/// The yardstick for everything under load: the least that a server of signed JSON can do. Bare Kestrel reads the body, parses it with System.Text.Json,
/// verifies one Ed25519 signature and answers; it keeps nothing.
/// </summary>
internal static class Yardstick
{
    /// <summary>Serves until its standard input ends, so that it never outlives who started it.</summary>
    public static async Task<int> ServeAsync(string seed)
    {
        using var key = SigningKey.FromSeed(Convert.FromHexString(seed));
        var verification = new Verification(key);
        var builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var answer = "{\"status\":\"ok\"}"u8.ToArray();
        app.MapPost("/v1/spans", async http =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
            if (body.RootElement.ValueKind == JsonValueKind.Object)
            {
                verification.Run();
            }
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = answer.Length;
            await http.Response.Body.WriteAsync(answer, http.RequestAborted);
        });
        // The generator's own ceiling is measured against this: nothing is parsed, nothing verified.
        app.MapPost("/echo", async http =>
        {
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
            http.Response.ContentLength = answer.Length;
            await http.Response.Body.WriteAsync(answer, http.RequestAborted);
        });
        await app.StartAsync();
        Console.WriteLine("listens on " + app.Urls.First());
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
        return 0;
    }
}
