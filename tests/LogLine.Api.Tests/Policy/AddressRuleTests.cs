using System.Net;
using LogLine.Api.Policy;

namespace LogLine.Api.Tests.Policy;

/// <summary>Where a webhook may lead: the public internet, in whatever spelling an address comes.</summary>
public sealed class AddressRuleTests
{
    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::808:808")]
    [InlineData("2002:808:808::1")]
    public void PublicAddress_IsPublic(string address) => Assert.True(AddressRules.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.1")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::7f00:1")]           // IPv4-compatible 127.0.0.1
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:a9fe:a9fe")]
    [InlineData("64:ff9b::7f00:1")]    // NAT64 of 127.0.0.1
    [InlineData("64:ff9b::a00:1")]
    [InlineData("64:ff9b:1::808:808")] // NAT64 of a local prefix
    [InlineData("100::1")]
    [InlineData("2001::1")]            // Teredo
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]     // 6to4 of 127.0.0.1
    [InlineData("2002:c0a8:101::1")]
    [InlineData("2606:4700::5efe:a00:1")] // ISATAP of 10.0.0.1
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fd12:3456:789a::1")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%2")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void SpecialAddress_IsNot(string address) => Assert.False(AddressRules.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https://127.0.0.1/x")]
    [InlineData("https://127.1/x")]
    [InlineData("https://2130706433/x")]
    [InlineData("https://0x7f000001/x")]
    [InlineData("https://0x7f.0.0.1/x")]
    [InlineData("https://0177.0.0.1/x")]
    [InlineData("https://017700000001/x")]
    [InlineData("https://127.0.0.1./x")]
    [InlineData("https://１２７.0.0.1/x")]
    [InlineData("https://127。0。0。1/x")]
    [InlineData("https://[::1]/x")]
    [InlineData("https://[::ffff:127.0.0.1]/x")]
    [InlineData("https://[0:0:0:0:0:ffff:7f00:1]/x")]
    [InlineData("https://[64:ff9b::7f00:1]/x")]
    [InlineData("https://localhost/x")]
    [InlineData("https://LOCALHOST./x")]
    [InlineData("https://a.localhost/x")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[fd00::1]:8443/x")]
    public void LiteralPrivateUrl_IsRefused_UnlessTheOperatorAllowsIt(string url)
    {
        Assert.Equal("webhooks.private_address", new WebhookPolicy().Violation(url)?.Rule);
        Assert.Null(new WebhookPolicy { AllowPrivateAddresses = true }.Violation(url));
    }

    [Theory]
    [InlineData("https://example.com/hooks")]
    [InlineData("https://example.com:8443/hooks?x=1")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://[2606:4700:4700::1111]/")]
    [InlineData("https://bücher.example/")]
    public void PublicUrl_IsAllowed(string url) => Assert.Null(WebhookPolicy.Malformed(url) ?? new WebhookPolicy().Violation(url)?.Detail);

    [Theory]
    [InlineData("example.com/hooks")]
    [InlineData("/hooks")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://example.com/")]
    [InlineData("https://")]
    [InlineData("https://user:password@example.com/")]
    [InlineData("https://example.com/#fragment")]
    public void UrlOfAnotherForm_IsNone(string url) => Assert.NotNull(WebhookPolicy.Malformed(url));

    [Fact]
    public void Http_IsTheOperatorsChoice()
    {
        Assert.Equal("webhooks.http", new WebhookPolicy().Violation("http://example.com/")?.Rule);
        Assert.Null(new WebhookPolicy { AllowHttp = true }.Violation("http://example.com/"));
    }
}
