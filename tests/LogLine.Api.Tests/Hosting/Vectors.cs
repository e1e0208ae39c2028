using LogLine.Api.Tests.Checkout;

namespace LogLine.Api.Tests.Hosting;

/// <summary>
/// The public test vectors: in the folder that <c>LOGLINE_VECTORS</c> names, else in <c>../shared/vectors</c> beside the repository. A clone has
/// no such folder: there the test is skipped by name, unless <c>LOGLINE_REQUIRE_ALL=1</c>.
/// </summary>
internal static class Vectors
{
    /// <summary>The files of a suite in ordinal order. Call it inside a test: it skips.</summary>
    public static IReadOnlyList<string> Files(string suite, string pattern)
    {
        var root = Environment.GetEnvironmentVariable("LOGLINE_VECTORS") is { Length: > 0 } named ? named : Path.Combine(Repository.Root, "..", "shared", "vectors");
        var folder = Path.Combine(root, suite);
        if (!Directory.Exists(folder))
        {
            var missing = $"the vectors '{suite}' are missing, both in LOGLINE_VECTORS and in ../shared/vectors";
            if (Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1")
            {
                Assert.Fail(missing);
            }
            Assert.Skip(missing);
        }
        var files = Directory.GetFiles(folder, pattern);
        Assert.NotEmpty(files);
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }
}
