using System.Text.RegularExpressions;

namespace LogLine.Api.Tests.Checkout;

/// <summary>Rules that no compiler knows, read from the sources (docs/architecture.md); what leans on what is in <see cref="RoomTests"/>.</summary>
public sealed partial class SourceRuleTests
{
    [Fact]
    public void Nobody_BlocksOnATask() => AssertNowhere(Blocking());

    [Fact]
    public void Sql_IsInTheLedgerAlone() =>
        AssertNowhere(Sql(), file => !file.Path.StartsWith(Path.Combine("LogLine.Api", "Ledger"), StringComparison.Ordinal));

    [Theory]
    [InlineData("Gate")]
    [InlineData("Runs")]
    [InlineData("Ledger")]
    [InlineData("Tenants")]
    [InlineData("Policy")]
    public void Room_KnowsNoHttp(string room) =>
        Assert.All(Sources("LogLine.Api").Where(file => Room(file.Path) == room), file => Assert.DoesNotContain("HttpContext", file.Text));

    private static void AssertNowhere(Regex forbidden, Func<(string Path, string Text), bool>? where = null) =>
        Assert.Empty(All().Where(file => where?.Invoke(file) ?? true).SelectMany(file => forbidden.Matches(file.Text).Select(match => $"{file.Path}: {match.Value}")));

    private static string Room(string path) => path.Contains(Path.DirectorySeparatorChar) ? path.Split(Path.DirectorySeparatorChar)[0] : ".";

    private static IEnumerable<(string Path, string Text)> All() =>
        new[] { "LogLine.Api", "LogLine.Protocol", "LogLine.Cli" }.SelectMany(project => Sources(project).Select(file => (Path.Combine(project, file.Path), file.Text)));

    /// <summary>The sources of a project without comments, by path inside of it.</summary>
    private static IEnumerable<(string Path, string Text)> Sources(string project)
    {
        var root = Path.Combine(Repository.Root, "src", project);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file))
            .Where(path => path.Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"))
            .Select(path => (path, Comment().Replace(File.ReadAllText(Path.Combine(root, path)), "")));
    }

    [GeneratedRegex(@"\.Wait\(\)|\.GetAwaiter\(\)\.GetResult\(\)|\bThread\.Sleep\b|(?:Async\([^;]*\)|Task)\.Result\b")]
    private static partial Regex Blocking();

    [GeneratedRegex(@"""\s*(?:SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE TABLE)\s|\bSqliteSession\b|\bSQLitePCL\b")]
    private static partial Regex Sql();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
