using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Tests.Settings;

public sealed class KeyFileTests : IDisposable
{
    private readonly Terminal _terminal = new();

    private string File => _terminal.At("keys/default.pem");

    [Fact]
    public void WrittenKey_ReadsBackAndOnlyTheOwnerCan()
    {
        using var key = SigningKey.Generate();
        Assert.Null(KeyFile.Write(File, key, overwrite: false));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        Assert.False(KeyFile.Read(File).Fails(out _, out var read));
        Assert.Equal(key.PublicKeyHex, read!.PublicKeyHex);
    }

    [Fact]
    public void KeyOfAnotherTool_IsRead()
    {
        // RFC 8410, section 10.3 and 10.1.
        Place("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n");
        Assert.False(KeyFile.Read(File).Fails(out _, out var key));
        Assert.Equal("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1", key!.PublicKeyHex);
    }

    [Fact]
    public void KeyThatOthersCanRead_IsRefusedWithTheRemedy()
    {
        using var key = SigningKey.Generate();
        KeyFile.Write(File, key, overwrite: false);
        System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.True(KeyFile.Read(File).Fails(out var failure, out _));
        Assert.Contains("chmod 600", failure.Next);
    }

    [Fact]
    public void KeyThatIsThere_StaysUnlessOverwritten()
    {
        using var first = SigningKey.Generate();
        using var second = SigningKey.Generate();
        KeyFile.Write(File, first, overwrite: false);
        Assert.NotNull(KeyFile.Write(File, second, overwrite: false));
        KeyFile.Read(File).Fails(out _, out var kept);
        Assert.Equal(first.PublicKeyHex, kept!.PublicKeyHex);
        Assert.Null(KeyFile.Write(File, second, overwrite: true));
        KeyFile.Read(File).Fails(out _, out var replaced);
        Assert.Equal(second.PublicKeyHex, replaced!.PublicKeyHex);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PUBLIC KEY-----\n")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n")]
    public void SomethingElse_IsRefused(string content)
    {
        Place(content);
        Assert.True(KeyFile.Read(File).Fails(out var failure, out _));
        Assert.Contains("not an Ed25519 private key", failure.Message);
    }

    public void Dispose() => _terminal.Dispose();

    private void Place(string content)
    {
        HomeFolder.Write(File, System.Text.Encoding.ASCII.GetBytes(content));
    }
}
