using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

public sealed class InitTests(GatewayProcess gateway) : IDisposable
{
    private readonly Terminal _terminal = new() { Time = TimeProvider.System };

    private string Token => JsonDocument.Parse(File.ReadAllText(gateway.BootstrapFile)).RootElement.Text("api_key")!;

    private string Url => JsonDocument.Parse(File.ReadAllText(gateway.BootstrapFile)).RootElement.Text("base_url")!;

    [Fact]
    public async Task Bootstrap_RegistersAKeyAndKeepsTheSecretsPrivate()
    {
        var said = (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile, "--json")).Expect(0);
        Assert.Equal(["profile", "base_url", "tenant", "env", "kid", "public_key", "key_file", "server_public_key", "registered_now", "this"], said.Json.EnumerateObject().Select(member => member.Name));
        Assert.True(said.Json.GetProperty("registered_now").GetBoolean());
        foreach (var file in Directory.GetFiles(_terminal.Home, "*", SearchOption.AllDirectories))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
        Assert.DoesNotContain(Token, said.Output + said.Errors);
        Assert.Contains(Token, File.ReadAllText(Path.Combine(_terminal.Home, "config.json")));
    }

    [Fact]
    public async Task Again_SaysWhatIsThereAndWritesNothing()
    {
        var first = (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile, "--json")).Expect(0).Json;
        var again = (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile, "--json")).Expect(0).Json;
        Assert.False(again.GetProperty("registered_now").GetBoolean());
        Assert.Equal(first.Text("kid"), again.Text("kid"));
        Assert.Single(Directory.GetFiles(Path.Combine(_terminal.Home, "receipts", "default")));
        Assert.Contains("Already there", (await _terminal.RunAsync("init")).Expect(0).Output);
    }

    [Fact]
    public async Task Force_MakesAnotherKey()
    {
        var first = (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile, "--json")).Expect(0).Json;
        var forced = (await _terminal.RunAsync("init", "--force", "--json")).Expect(0).Json;
        Assert.NotEqual(first.Text("public_key"), forced.Text("public_key"));
        Assert.NotEqual(first.Text("kid"), forced.Text("kid"));
    }

    [Fact]
    public async Task UrlAndToken_AreEnough()
    {
        var said = (await _terminal.RunAsync("init", "--url", Url, "--token", Token, "--profile", "other", "--kid", "kid_" + Guid.NewGuid().ToString("N"), "--json")).Expect(0);
        Assert.Equal(("other", "dev", "dev"), (said.Json.Text("profile"), said.Json.Text("tenant"), said.Json.Text("env")));
        Assert.Contains(said.Json.Text("server_public_key")!, said.Errors);
        (await _terminal.RunAsync("whoami", "--profile", "other")).Expect(0);
        (await _terminal.RunAsync("whoami")).Expect(1);
    }

    [Fact]
    public async Task WrongToken_LeavesNoProfile()
    {
        var said = (await _terminal.RunAsync("init", "--url", Url, "--token", "ll_wrong")).Expect(1);
        Assert.Contains("401_UNAUTHENTICATED", said.Errors);
        Assert.False(File.Exists(Path.Combine(_terminal.Home, "config.json")));
    }

    [Fact]
    public async Task InterruptedInit_GoesOnWithTheKeyThatItMade()
    {
        // The key was written, the gateway did not answer.
        using var key = LogLine.Protocol.Crypto.SigningKey.Generate();
        Assert.Null(Cli.Settings.KeyFile.Write(new Cli.Settings.HomeFolder(_terminal.Home).KeyFile("default"), key, overwrite: false));
        var said = (await _terminal.RunAsync("init", "--bootstrap", gateway.BootstrapFile, "--json")).Expect(0);
        Assert.Equal(key.PublicKeyHex, said.Json.Text("public_key"));
    }

    [Fact]
    public async Task NoBootstrapFile_SaysWhereItIs()
    {
        var said = (await _terminal.RunAsync("init", "--bootstrap", _terminal.At("nothing.json"))).Expect(1);
        Assert.Contains("<data folder>/bootstrap.json", said.Errors);
    }

    public void Dispose() => _terminal.Dispose();
}
