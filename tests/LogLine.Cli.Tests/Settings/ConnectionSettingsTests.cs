using LogLine.Cli.Settings;

namespace LogLine.Cli.Tests.Settings;

public sealed class ConnectionSettingsTests : IDisposable
{
    private static readonly ConnectionFlags None = new(null, null, null, null, null);

    private readonly Terminal _terminal = new();
    private readonly Dictionary<string, string> _variables = [];

    private HomeFolder Home => new(_terminal.Home);

    public ConnectionSettingsTests() =>
        ProfileStore.Save(Home, "default", new Profile { BaseUrl = "http://profile", Tenant = "from-profile", ApiKey = new SecretToken("profile-token"), Env = "dev" });

    [Fact]
    public void ProfileAlone_IsInForce()
    {
        var connection = Resolve(None);
        Assert.Equal(("http://profile", "from-profile", "profile-token", "dev"), Facts(connection));
    }

    [Fact]
    public void Environment_GoesBeforeTheProfile()
    {
        (_variables["LOGLINE_URL"], _variables["LOGLINE_TOKEN"], _variables["LOGLINE_TENANT"]) = ("http://env", "env-token", "from-env");
        Assert.Equal(("http://env", "from-env", "env-token", "dev"), Facts(Resolve(None)));
    }

    [Fact]
    public void Flags_GoBeforeTheEnvironment()
    {
        (_variables["LOGLINE_URL"], _variables["LOGLINE_TOKEN"], _variables["LOGLINE_TENANT"]) = ("http://env", "env-token", "from-env");
        Assert.Equal(("http://flag", "from-flag", "flag-token", "prd"), Facts(Resolve(new ConnectionFlags(null, "http://flag", "flag-token", "from-flag", "prd"))));
    }

    [Fact]
    public void EmptyVariable_CountsAsUnset()
    {
        _variables["LOGLINE_URL"] = "";
        Assert.Equal("http://profile", Resolve(None).Profile.BaseUrl);
    }

    [Fact]
    public void NamedProfile_IsTakenFromFlagThenEnvironment()
    {
        ProfileStore.Save(Home, "stage", new Profile { BaseUrl = "http://stage" });
        ProfileStore.Save(Home, "other", new Profile { BaseUrl = "http://other" });
        _variables["LOGLINE_PROFILE"] = "stage";
        Assert.Equal("http://stage", Resolve(None).Profile.BaseUrl);
        Assert.Equal("http://other", Resolve(None with { Profile = "other" }).Profile.BaseUrl);
    }

    [Fact]
    public void UnknownProfile_IsRefusedAndTheKnownAreNamed()
    {
        Assert.True(ConnectionSettings.Resolve(Home, None with { Profile = "nope" }, _variables.GetValueOrDefault).Fails(out var failure, out _));
        Assert.Contains("'nope'", failure.Message);
        Assert.Contains("default", failure.Message);
    }

    [Fact]
    public void DamagedConfig_IsRefusedWithThePlace()
    {
        File.WriteAllText(Home.ConfigFile, "{\n\"version\":1,,}");
        Assert.True(ConnectionSettings.Resolve(Home, None, _variables.GetValueOrDefault).Fails(out var failure, out _));
        Assert.Contains("line 2", failure.Message);
    }

    [Fact]
    public void NewerConfig_IsRefused()
    {
        File.WriteAllText(Home.ConfigFile, """{"version":2}""");
        Assert.True(ConnectionSettings.Resolve(Home, None, _variables.GetValueOrDefault).Fails(out var failure, out _));
        Assert.Contains("version", failure.Message);
    }

    [Fact]
    public void SavingOneProfile_KeepsTheOthersAndTheModes()
    {
        ProfileStore.Save(Home, "second", new Profile { BaseUrl = "http://second" });
        Assert.Equal("http://profile", Resolve(None).Profile.BaseUrl);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Home.ConfigFile));
        Assert.Empty(Directory.GetFiles(Home.Path, "*.tmp"));
    }

    [Fact]
    public void EveryFolder_IsTheOwnersAlone()
    {
        var home = new HomeFolder(_terminal.At("new/home"));
        HomeFolder.Write(Path.Combine(home.ReceiptFolder("default"), "x.json"), "{}"u8);
        for (var folder = home.ReceiptFolder("default"); folder.Length >= home.Path.Length; folder = Path.GetDirectoryName(folder)!)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }
    }

    [Fact]
    public void Token_DoesNotPrint() => Assert.DoesNotContain("profile-token", Resolve(None).ToString() + Resolve(None).Profile);

    public void Dispose() => _terminal.Dispose();

    private ConnectionSettings Resolve(ConnectionFlags flags)
    {
        Assert.False(ConnectionSettings.Resolve(Home, flags, _variables.GetValueOrDefault).Fails(out _, out var connection));
        return connection!;
    }

    private static (string?, string?, string?, string?) Facts(ConnectionSettings connection) =>
        (connection.Profile.BaseUrl, connection.Profile.Tenant, connection.Profile.ApiKey?.Reveal(), connection.Profile.Env);
}
