namespace LogLine.Protocol.Tests.Schema;

/// <summary>The public test vectors: beside the repository, or where LOGLINE_VECTORS points.</summary>
internal static class Vectors
{
    /// <summary>Null when there are none.</summary>
    public static string? Folder(string name)
    {
        var roots = new List<string?> { Environment.GetEnvironmentVariable("LOGLINE_VECTORS") };
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "LogLine.Api.sln")))
                roots.Add(Path.Combine(at.FullName, "..", "shared", "vectors"));
        }
        return roots.OfType<string>().Select(r => Path.Combine(r, name)).FirstOrDefault(Directory.Exists);
    }

    /// <summary>Skips the test when there are none; fails it where nothing may be skipped.</summary>
    public static string Require(string name)
    {
        var folder = Folder(name);
        if (folder is null && Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") != "1")
            Assert.Skip($"no test vectors '{name}': set LOGLINE_VECTORS to the folder that holds them");
        Assert.True(folder is not null, $"no test vectors '{name}', and LOGLINE_REQUIRE_ALL=1");
        return folder!;
    }
}
