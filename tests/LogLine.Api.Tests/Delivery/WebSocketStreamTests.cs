using System.Net.WebSockets;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Delivery;

/// <summary>The stream as a WebSocket: the same spans under the same cursor and filters.</summary>
public sealed class WebSocketStreamTests
{
    [Fact]
    public async Task Messages_AreExact()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ack = await gateway.PostAsync(GatewayActs.Person());
        var span = (await gateway.GetAsync("/v1/spans/" + ack.Json.Text("this"))).Body;

        using var socket = await OpenAsync(gateway, "?after=0");

        Assert.Equal("""{"event":"open","from":0}""", await ReceiveAsync(socket));
        Assert.Equal($$"""{"event":"span","id":1,"data":{{span}}}""", await ReceiveAsync(socket));
    }

    [Fact]
    public async Task Filter_Cursor_AndTenant_AreThoseOfTheStream()
    {
        await using var gateway = await TestGateway.StartAsync();
        var other = await gateway.AddTokenAsync("other", "*");
        await gateway.PostAsync(GatewayActs.Person("a"));
        await gateway.PostAsync(GatewayActs.Person("theirs"), request => request.UseToken(other));
        await gateway.RegisterKeyAsync();
        await gateway.PostAsync(GatewayActs.Person("b"));

        using var socket = await OpenAsync(gateway, "?after=1&intent=registry.*");
        await ReceiveAsync(socket);

        var message = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes((await ReceiveAsync(socket))!)).Root;
        Assert.Equal((4, "urn:registry:person/b"), (message.Integer("id"), message.GetProperty("data").Text("subject")));
    }

    [Fact]
    public async Task Heartbeat_SaysTheCursor()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Streams:HeartbeatSeconds"] = "0.05" });
        await gateway.PostAsync(GatewayActs.Person());

        using var socket = await OpenAsync(gateway);
        await ReceiveAsync(socket);

        Assert.Equal("""{"event":"ping","id":1}""", await ReceiveAsync(socket));
    }

    [Fact]
    public async Task StreamTakesNoMessages()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var socket = await OpenAsync(gateway);
        await ReceiveAsync(socket);

        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);

        Assert.Null(await ReceiveAsync(socket));
    }

    [Fact]
    public async Task RevokedToken_ClosesIt_AndSaysWhy()
    {
        await using var gateway = await TestGateway.StartAsync();
        var made = await gateway.PostAsync("""{"scopes":["read"]}""", path: "/v1/tokens");
        using var socket = await OpenAsync(gateway, token: made.Json.Text("api_key"));
        await ReceiveAsync(socket);

        await gateway.PostAsync("", request => request.Method = HttpMethod.Delete, "/v1/tokens/" + made.Json.Text("token_id"));

        while (await ReceiveAsync(socket) is not null)
        {
        }
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, socket.CloseStatus);
    }

    [Fact]
    public async Task GatewayThatStops_SaysToComeBack()
    {
        var gateway = await TestGateway.StartAsync(folder: Directory.CreateTempSubdirectory("logline-").FullName);
        try
        {
            using var socket = await OpenAsync(gateway);
            await ReceiveAsync(socket);
            await gateway.App.StopAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

            Assert.Null(await ReceiveAsync(socket));
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatus);
        }
        finally
        {
            await gateway.StopAsync();
            Directory.Delete(gateway.Folder, recursive: true);
        }
    }

    [Fact]
    public async Task WithoutAToken_ItIsRefused()
    {
        await using var gateway = await TestGateway.StartAsync();

        await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(gateway, token: "ll_none"));
    }

    private static async Task<ClientWebSocket> OpenAsync(TestGateway gateway, string query = "", string? token = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "ApiKey " + (token ?? gateway.ApiKey));
        await socket.ConnectAsync(new UriBuilder(gateway.Client.BaseAddress!) { Scheme = "ws", Path = "/v1/stream", Query = query }.Uri, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>The next message, or null when the other side has closed.</summary>
    private static async Task<string?> ReceiveAsync(ClientWebSocket socket)
    {
        var (message, buffer) = (new MemoryStream(), new byte[4096]);
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
            {
                return System.Text.Encoding.UTF8.GetString(message.ToArray());
            }
        }
    }
}
