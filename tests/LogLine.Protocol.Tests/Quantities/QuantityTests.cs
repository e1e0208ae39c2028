using LogLine.Protocol.Quantities;

namespace LogLine.Protocol.Tests.Quantities;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("1048576", 1048576)]
    [InlineData("1KiB", 1024)]
    [InlineData("512MiB", 536870912)]
    [InlineData("2GiB", 2147483648)]
    [InlineData("1KB", 1000)]
    [InlineData("1MB", 1000000)]
    [InlineData("3GB", 3000000000)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("8589934591GiB", 9223372035781033984)]
    public void Size_IsRead(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var found, out _));
        Assert.Equal(bytes, found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0", "zero")]
    [InlineData("0MiB", "zero")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("01")]
    [InlineData("1.5GiB")]
    [InlineData("1 MiB")]
    [InlineData("1_000")]
    [InlineData("1kib")]
    [InlineData("1mb")]
    [InlineData("1K")]
    [InlineData("1M")]
    [InlineData("1B")]
    [InlineData("1TiB")]
    [InlineData("MiB")]
    [InlineData("٣")]
    [InlineData("9223372036854775808", "2^63")]
    [InlineData("8589934592GiB", "2^63")]
    [InlineData("99999999999999999999GB", "2^63")]
    public void SizeOfAnotherForm_IsRefused(string text, string words = "expected")
    {
        Assert.False(ByteSize.TryParse(text, out _, out var problem));
        Assert.Contains(words, problem);
    }

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("PT1S", 1_000)]
    [InlineData("PT1M30S", 90_000)]
    [InlineData("P1D", 86_400_000)]
    [InlineData("P1DT2H3M4S", 93_784_000)]
    [InlineData("PT0H5M", 300_000)]
    [InlineData("240000h", 864_000_000_000)]
    public void Duration_IsRead(string text, long milliseconds)
    {
        Assert.True(TimeLength.TryParse(text, out var found, out _));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData("1.5s")]
    [InlineData("-1s")]
    [InlineData("01s")]
    [InlineData("1 s")]
    [InlineData("1d")]
    [InlineData("1S")]
    [InlineData("1h30m")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("P1")]
    [InlineData("P1M")]
    [InlineData("P1Y")]
    [InlineData("P1W")]
    [InlineData("PT1D")]
    [InlineData("PT1S1M")]
    [InlineData("PT1ST1S")]
    [InlineData("PT1.5S")]
    [InlineData("pt1s")]
    [InlineData("PT-1S")]
    [InlineData("0s", "zero")]
    [InlineData("PT0S", "zero")]
    [InlineData("240001h", "10,000 days")]
    [InlineData("9223372036854775807h", "10,000 days")]
    [InlineData("9223372036854775808ms", "2^63")]
    [InlineData("P999999999999D", "10,000 days")]
    public void DurationOfAnotherForm_IsRefused(string text, string words = "expected")
    {
        Assert.False(TimeLength.TryParse(text, out _, out var problem));
        Assert.Contains(words, problem);
    }
}
