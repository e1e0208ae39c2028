using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class SecretBytesTests
{
    private const string Plain = "correct horse battery staple";

    private static readonly byte[] PlainBytes = Encoding.ASCII.GetBytes(Plain);

    private sealed record Holder(string Name, SecretBytes Secret);

    [Fact]
    public void ToString_DoesNotRevealIt()
    {
        using var secret = SecretBytes.Copy(PlainBytes);
        AssertHidden($"{secret}");
        AssertHidden(new Holder("runner", secret).ToString());
    }

    [Fact]
    public void JsonSerialisation_DoesNotRevealIt()
    {
        using var secret = SecretBytes.Copy(PlainBytes);
        AssertHidden(JsonSerializer.Serialize(secret));
        AssertHidden(JsonSerializer.Serialize(new Holder("runner", secret)));
        AssertHidden(JsonSerializer.Serialize(secret, new JsonSerializerOptions { IncludeFields = true }));
    }

    [Fact]
    public void ACopy_KeepsTheBytesWhenTheSourceIsCleared()
    {
        var source = PlainBytes.ToArray();
        using var secret = SecretBytes.Copy(source);
        Array.Clear(source);
        Assert.Equal(PlainBytes.Length, secret.Length);
        Assert.True(secret.Reveal().SequenceEqual(PlainBytes));
    }

    [Fact]
    public void Disposed_IsWipedAndRevealsNothing()
    {
        var secret = SecretBytes.Copy(PlainBytes);
        var memory = secret.Reveal();
        secret.Dispose();
        secret.Dispose();
        Assert.Equal(-1, memory.IndexOfAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => _ = secret.Reveal());
        Assert.Throws<ObjectDisposedException>(() => secret.FixedTimeEquals(new byte[PlainBytes.Length]));
    }

    [Fact]
    public void FixedTimeEquals_ComparesContentAndLength()
    {
        using var secret = SecretBytes.Copy(PlainBytes);
        Assert.True(secret.FixedTimeEquals(PlainBytes));
        Assert.False(secret.FixedTimeEquals(PlainBytes.AsSpan(1)));
        Assert.False(secret.FixedTimeEquals([]));
        Assert.False(secret.FixedTimeEquals(Encoding.ASCII.GetBytes(Plain.ToUpperInvariant())));
    }

    [Fact]
    public void TwoRandomSecrets_Differ()
    {
        using var one = SecretBytes.Random(32);
        using var other = SecretBytes.Random(32);
        Assert.Equal(32, one.Length);
        Assert.False(one.FixedTimeEquals(other.Reveal()));
    }

    private static void AssertHidden(string text)
    {
        Assert.DoesNotContain(Plain[..4], text);
        Assert.DoesNotContain(Convert.ToHexString(PlainBytes)[..8], text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Convert.ToBase64String(PlainBytes)[..4], text);
        Assert.DoesNotContain($"{PlainBytes[0]},{PlainBytes[1]}", text);
    }
}
