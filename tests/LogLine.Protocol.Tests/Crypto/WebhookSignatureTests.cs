using System.Text;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

/// <summary>Standard Webhooks: the specification's own example, and what must not verify.</summary>
public sealed class WebhookSignatureTests
{
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const long Timestamp = 1614265330;
    private static readonly byte[] Body = "{\"test\": 2432232314}"u8.ToArray();
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(Timestamp);

    private static byte[] Secret => WebhookSignature.TryReadSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", out var secret) ? secret : throw new InvalidOperationException();

    [Fact]
    public void Example_OfTheSpecification()
    {
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookSignature.Sign(Secret, Id, Timestamp, Body));
        Assert.True(WebhookSignature.Verify(Secret, Id, "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Body, Now));
    }

    [Fact]
    public void OneOfSeveral_IsEnough()
    {
        var header = "v1a,AAAA v1,AAAA v2,x " + WebhookSignature.Sign(Secret, Id, Timestamp, Body) + " v1,bm90aGluZw==";

        Assert.True(WebhookSignature.Verify(Secret, Id, "1614265330", header, Body, Now));
    }

    [Fact]
    public void Asymmetric_VerifiesWithThePublicKeyAlone()
    {
        using var key = SigningKey.Generate();
        var header = WebhookSignature.Sign(key, Id, Timestamp, Body);
        Assert.True(WebhookSignature.TryReadPublicKey(WebhookSignature.WritePublicKey(key.PublicKey), out var publicKey));

        Assert.StartsWith("v1a,", header, StringComparison.Ordinal);
        Assert.True(WebhookSignature.VerifyWithKey(publicKey, Id, "1614265330", header, Body, Now));
        Assert.False(WebhookSignature.VerifyWithKey(publicKey, Id, "1614265330", header, "{}"u8, Now));
        Assert.False(WebhookSignature.VerifyWithKey(publicKey, "msg_other", "1614265330", header, Body, Now));
        Assert.False(WebhookSignature.VerifyWithKey(SigningKey.Generate().PublicKey, Id, "1614265330", header, Body, Now));
    }

    [Theory]
    [InlineData("msg_x", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    [InlineData(Id, "1614265331", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    [InlineData(Id, "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232315}")]
    [InlineData(Id, "1614265330", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    [InlineData(Id, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    [InlineData(Id, "1614265330", "v1,", "{\"test\": 2432232314}")]
    [InlineData(Id, "1614265330", "", "{\"test\": 2432232314}")]
    [InlineData(Id, "+1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    [InlineData(Id, "yesterday", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "{\"test\": 2432232314}")]
    public void WhatWasChanged_DoesNotVerify(string id, string timestamp, string header, string body) =>
        Assert.False(WebhookSignature.Verify(Secret, id, timestamp, header, Encoding.UTF8.GetBytes(body), Now));

    [Theory]
    [InlineData(300, true)]
    [InlineData(-300, true)]
    [InlineData(301, false)]
    [InlineData(-301, false)]
    public void OldOrFutureTimestamp_DoesNotVerify(int seconds, bool verifies)
    {
        var signature = WebhookSignature.Sign(Secret, Id, Timestamp, Body);

        Assert.Equal(verifies, WebhookSignature.Verify(Secret, Id, "1614265330", signature, Body, Now.AddSeconds(seconds)));
    }

    [Theory]
    [InlineData("whsec_AAAA")]
    [InlineData("whsec_")]
    [InlineData("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw!")]
    [InlineData(null)]
    public void TextThatIsNoSecret_IsRefused(string? text) => Assert.False(WebhookSignature.TryReadSecret(text, out _));
}
