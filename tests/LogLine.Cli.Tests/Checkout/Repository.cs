namespace LogLine.Cli.Tests.Checkout;

/// <summary>The checkout that the tests were built from, and what its scripts need to be run.</summary>
internal static class Repository
{
    /// <summary>The folder that holds LogLine.Api.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The address of an engine that <c>tests/run</c> started, <c>unix:///…</c>.</summary>
    public static string Engine(string provider) => Required($"LOGLINE_TEST_{provider.ToUpperInvariant()}", $"names no {provider}; tests/run starts one");

    /// <summary>An image that every such engine has.</summary>
    public static string Image => Required("LOGLINE_TEST_IMAGE", "names no image; tests/run makes one");

    /// <summary>Skips the test, or fails it where nothing may be missing.</summary>
    public static void Missing(string what)
    {
        if (Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1")
        {
            Assert.Fail(what);
        }
        Assert.Skip(what);
    }

    private static string Required(string variable, string otherwise)
    {
        var value = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(value))
        {
            Missing($"{variable} {otherwise}.");
        }
        return value!;
    }

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("LogLine.Api.sln is in no folder above the tests.");
        }
        return folder;
    }
}

/// <summary>What builds in the checkout or runs what was built there does so one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class CheckoutCollection
{
    public const string Name = "checkout";
}
