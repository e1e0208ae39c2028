namespace LogLine.Protocol.Tests.Merkle;

/// <summary>Where the public test vectors are: LOGLINE_VECTORS, or ../shared/vectors beside the repository.</summary>
internal static class VectorFolder
{
    /// <summary>The folder that holds LogLine.Api.sln.</summary>
    internal static string RepositoryRoot { get; } = FindRoot();

    /// <summary>A folder of vectors; the test is skipped, or fails where nothing may be missing, when there is none.</summary>
    internal static string Require(string name)
    {
        var named = Environment.GetEnvironmentVariable("LOGLINE_VECTORS");
        var vectors = string.IsNullOrEmpty(named) ? Path.Combine(RepositoryRoot, "..", "shared", "vectors") : named;
        var folder = Path.Combine(vectors, name);
        if (!Directory.Exists(folder))
        {
            var missing = $"No test vectors '{name}': neither ../shared/vectors beside the repository nor LOGLINE_VECTORS has them.";
            Assert.False(Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", missing);
            Assert.Skip(missing);
        }
        return folder;
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LogLine.Api.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new DirectoryNotFoundException("LogLine.Api.sln is in no folder above the tests.");
    }
}
