namespace LogLine.Api.Tests.Checkout;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder that holds LogLine.Api.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file of it.</summary>
    public static string At(params string[] path) => Path.Combine([Root, .. path]);

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
