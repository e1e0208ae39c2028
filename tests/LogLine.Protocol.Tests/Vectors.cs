namespace LogLine.Protocol.Tests;

/// <summary>
/// The public test vectors, read where they lie: in the folder that <c>LOGLINE_VECTORS</c> names, else in <c>../shared/vectors</c>
/// beside the repository. A clone has no such folder: there the test is skipped by name, unless <c>LOGLINE_REQUIRE_ALL=1</c>.
/// </summary>
internal static class Vectors
{
    private const string Solution = "LogLine.Api.sln";

    /// <summary>The path of the suite <paramref name="name"/>, such as <c>blake3</c>. Call it inside a test: it skips.</summary>
    public static string Folder(string name)
    {
        foreach (var root in Roots())
        {
            var folder = Path.Combine(root, name);
            if (Directory.Exists(folder))
            {
                return folder;
            }
        }
        throw Prerequisite.Missing($"the vectors '{name}', neither in LOGLINE_VECTORS nor in ../shared/vectors");
    }

    /// <summary>The files of a suite, subfolders included, in ordinal order. None at all is a failure, so that no loop passes for being empty.</summary>
    public static IEnumerable<string> Files(string name, string pattern)
    {
        var files = Directory.GetFiles(Folder(name), pattern, SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable("LOGLINE_VECTORS") is { Length: > 0 } named)
        {
            yield return named;
        }
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Solution)))
            {
                yield return Path.Combine(folder.FullName, "..", "shared", "vectors");
            }
        }
    }
}
