using System.Net;
using System.Net.Sockets;
using LogLine.Api.Delivery.Webhooks;
using LogLine.Api.Policy;
using LogLine.Protocol.Crypto;
using Microsoft.AspNetCore.Http;

namespace LogLine.Api.Tests.Delivery.Webhooks;

/// <summary>Where an attempt goes is decided when it is dialled, whatever a name said before.</summary>
public sealed class WebhookDialTests
{
    private static readonly IPAddress Public = IPAddress.Parse("203.0.112.1");

    [Fact]
    public async Task NameOfAPrivateAddress_IsNotDialled()
    {
        await using var receiver = await Receiver.StartAsync();

        var outcome = await SendAsync(new WebhookPolicy(), receiver.At("hooks.example"), IPAddress.Loopback);

        Assert.Equal("hooks.example does not lead to the public internet alone", outcome.Error);
        Assert.Empty(receiver.Received);
    }

    [Fact]
    public async Task NameOfSeveralAddresses_OneOfThemPrivate_IsNotDialled()
    {
        await using var receiver = await Receiver.StartAsync();

        Assert.False((await SendAsync(new WebhookPolicy(), receiver.At("hooks.example"), Public, IPAddress.Loopback)).Succeeded);
        Assert.False((await SendAsync(new WebhookPolicy(), receiver.At("hooks.example"), IPAddress.Loopback, Public)).Succeeded);
        Assert.Empty(receiver.Received);
    }

    [Fact]
    public async Task NameThatLeadsElsewhereTheSecondTime_IsNotFollowedThere()
    {
        await using var receiver = await Receiver.StartAsync();
        var asked = 0;
        using var cancel = new CancellationTokenSource();
        // The first look-up, were it another one than the dialler's, would say that all is well.
        using var sender = NewSender(new WebhookPolicy { TimeoutSeconds = 60 }, (_, _) => Task.FromResult(new[] { asked++ == 0 ? IPAddress.IPv6Any : IPAddress.Loopback }));

        for (var i = 0; i < 3; i++)
        {
            Assert.False((await sender.SendAsync("dev", receiver.At("hooks.example"), [], Message(), 1, cancel.Token)).Succeeded);
        }
        Assert.Equal(3, asked);
        Assert.Empty(receiver.Received);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("2130706433")]
    [InlineData("0177.0.0.1")]
    [InlineData("[::ffff:127.0.0.1]")]
    public async Task LiteralAddress_IsCheckedToo(string host)
    {
        await using var receiver = await Receiver.StartAsync();

        Assert.False((await SendAsync(new WebhookPolicy(), receiver.At(host))).Succeeded);
        Assert.True((await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true }, receiver.At(host))).Succeeded);
        Assert.Single(receiver.Received);
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using var inner = await Receiver.StartAsync();
        await using var outer = await Receiver.StartAsync(http =>
        {
            http.Response.Redirect(inner.Url.ToString());
            return Task.CompletedTask;
        });

        var outcome = await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true }, outer.Url);

        Assert.Equal((302, false), (outcome.Status, outcome.Succeeded));
        Assert.Empty(inner.Received);
    }

    [Fact]
    public async Task ReceiverThatDoesNotAnswer_IsGivenUp()
    {
        await using var receiver = await Receiver.StartAsync(http => Task.Delay(Timeout.Infinite, http.RequestAborted));

        var outcome = await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true, TimeoutSeconds = 0.2 }, receiver.Url);

        Assert.Equal(new AttemptOutcome(null, "no answer within 0.2 s"), outcome);
    }

    [Fact]
    public async Task SlowReceiversOfOneTenant_KeepNoOtherWaiting()
    {
        await using var slow = await Receiver.StartAsync(http => Task.Delay(Timeout.Infinite, http.RequestAborted));
        await using var quick = await Receiver.StartAsync();
        using var sender = NewSender(new WebhookPolicy { AllowPrivateAddresses = true, MaxAttemptsAtOnce = 4, TimeoutSeconds = 600 }, (_, _) => Task.FromResult(new[] { IPAddress.Loopback }));
        using var cancel = new CancellationTokenSource();

        var waiting = Enumerable.Range(0, 20).Select(_ => sender.SendAsync("slow", slow.Url, [], Message(), 1, cancel.Token)).ToList();
        var outcome = await sender.SendAsync("quick", quick.Url, [], Message(), 1, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        Assert.True(outcome.Succeeded);
        Assert.All(waiting, one => Assert.False(one.IsCompleted));
        await cancel.CancelAsync();
        await Task.WhenAll(waiting).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task EndlessAnswer_CountsByItsStatus_AndIsNotRead()
    {
        var written = 0L;
        await using var receiver = await Receiver.StartAsync(async http =>
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.WriteAsync(new string('x', 65536), http.RequestAborted);
                written += 65536;
            }
        });

        var outcome = await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true }, receiver.Url);

        Assert.True(outcome.Succeeded);
        Assert.InRange(written, 0, 64L << 20);
    }

    [Fact]
    public async Task EndlessHeaders_AreRefused()
    {
        await using var receiver = await Receiver.StartAsync(http =>
        {
            http.Response.Headers["X-Long"] = new string('x', 30_000);
            return Task.CompletedTask;
        });

        Assert.Equal("the answer's headers are too large", (await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true }, receiver.Url)).Error);
    }

    [Fact]
    public async Task NobodyThere_SaysSo()
    {
        // Taken, so that nobody else gets it, and not listened on.
        using var port = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        port.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        Assert.Equal("cannot connect: ConnectionRefused", (await SendAsync(new WebhookPolicy { AllowPrivateAddresses = true }, new Uri($"http://{port.LocalEndPoint}/"))).Error);
    }

    private static async Task<AttemptOutcome> SendAsync(WebhookPolicy policy, Uri url, params IPAddress[] addresses)
    {
        using var sender = NewSender(policy, (_, _) => Task.FromResult(addresses));
        return await sender.SendAsync("dev", url, [], Message(), 1, TestContext.Current.CancellationToken);
    }

    private static WebhookSender NewSender(WebhookPolicy policy, Func<string, CancellationToken, Task<IPAddress[]>> resolve) =>
        new(policy, new WebhookDialer(policy, resolve), SigningKey.Generate(), TimeProvider.System);

    private static WebhookMessage Message() => new("msg_1_1", 1, "registry.person.create", "{}"u8.ToArray());
}
