using LogLine.Api.Ledger;
using LogLine.Api.Workers.Working;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace LogLine.Api.Tests.Workers;

/// <summary>What a command has brought is sent until the gateway has it: also past a token that is being replaced, and a gateway that has too much to do.</summary>
public sealed class GatewayConnectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-token-").FullName;

    private string TokenFile => Path.Combine(_folder, "token");

    [Theory, InlineData("PUT"), InlineData("POST")]
    public async Task TokenThatIsReplacedAmidARequest_AndAQuota_AreOutlasted(string method)
    {
        var asked = new List<string>();
        await using var app = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"]).Build();
        app.Run(async http =>
        {
            await http.Request.Body.CopyToAsync(Stream.Null);
            asked.Add(http.Request.Headers.Authorization.ToString());
            http.Response.StatusCode = asked.Count switch { <= 2 => 401, 3 => 429, _ => 200 };
            // While it is being written it is empty for a moment.
            await File.WriteAllTextAsync(TokenFile, asked.Count == 1 ? "" : "new");
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(TokenFile, "old", TestContext.Current.CancellationToken);
        using var folder = DataFolder.Open(Path.Combine(_folder, "data"));
        using var connection = new GatewayConnection(new WorkerOptions { Gateway = app.Urls.First(), TokenFile = TokenFile, Name = "edge" }, WorkerIdentity.Open(folder, "edge"), TimeProvider.System);

        var answer = method == "PUT"
            ? await connection.UploadAsync("v1/runs/run_1/artifacts/x", () => new MemoryStream("bytes"u8.ToArray()), TestContext.Current.CancellationToken)
            : await connection.SendAsync(HttpMethod.Post, "v1/runs/run_1/reports", "{}"u8.ToArray(), TestContext.Current.CancellationToken);

        Assert.True(answer.IsOk);
        Assert.Equal(["ApiKey old", "ApiKey old", "ApiKey new", "ApiKey new"], asked);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
