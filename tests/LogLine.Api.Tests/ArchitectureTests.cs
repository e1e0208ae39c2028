using System.Text.RegularExpressions;
using LogLine.Api.Tests.Hosting;

namespace LogLine.Api.Tests;

/// <summary>Rules that no compiler knows, read from the sources (docs/architecture).</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>Rooms from top to bottom; a room leans on those below it, never on one above or beside it.</summary>
    private static readonly string[][] Storeys = [["."], ["Delivery", "Adapters"], ["Submissions"], ["Gate"], ["Runs"], ["Policy"], ["Tenants"], ["Ledger"]];

    /// <summary>Rooms that everybody may use and that use nobody but each other.</summary>
    private static readonly string[] Leaves = ["Errors", "Telemetry"];

    [Fact]
    public void Rooms_LeanDownwards()
    {
        var wrong = new List<string>();
        foreach (var (path, text) in Sources("LogLine.Api"))
        {
            var room = Room(path);
            foreach (var used in Using().Matches(text).Select(match => match.Groups[1].Value).Where(used => used != room))
            {
                var allowed = Leaves.Contains(used) || (!Leaves.Contains(room) && Storey(room) < Storey(used)) || path == Path.Combine("Telemetry", "StartupLog.cs");
                if (!allowed)
                {
                    wrong.Add($"{path} leans on {used}");
                }
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void EveryRoom_HasItsStorey() =>
        Assert.Subset(Storeys.SelectMany(storey => storey).Concat(Leaves).ToHashSet(), Sources("LogLine.Api").Select(file => Room(file.Path)).ToHashSet());

    [Fact]
    public void AdmittedSpan_IsMadeByTheGateAlone() =>
        Assert.All(All().Where(file => file.Text.Contains("AdmittedSpan.Admit(")), file => Assert.StartsWith(Path.Combine("LogLine.Api", "Gate"), file.Path));

    [Fact]
    public void Time_ComesFromTimeProvider() => AssertNowhere(SystemClock());

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

    [Fact]
    public void Protocol_KnowsNoServerAndNoDisk() =>
        Assert.All(Sources("LogLine.Protocol"), file => Assert.DoesNotMatch(@"Microsoft\.AspNetCore|\bFile\.|\bHttpClient\b|\bTimeProvider\b", file.Text));

    [Fact]
    public void ProgramIsATableOfContents() => Assert.True(File.ReadAllLines(Path.Combine(Repository.Root, "src", "LogLine.Api", "Program.cs")).Length < 80);

    private static void AssertNowhere(Regex forbidden, Func<(string Path, string Text), bool>? where = null) =>
        Assert.Empty(All().Where(file => where?.Invoke(file) ?? true).SelectMany(file => forbidden.Matches(file.Text).Select(match => $"{file.Path}: {match.Value}")));

    private static int Storey(string room) => Array.FindIndex(Storeys, storey => storey.Contains(room));

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

    [GeneratedRegex(@"^using (?:static )?LogLine\.Api\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"\bDateTime(?:Offset)?\.(?:Utc)?Now\b")]
    private static partial Regex SystemClock();

    [GeneratedRegex(@"\.Wait\(\)|\.GetAwaiter\(\)\.GetResult\(\)|\bThread\.Sleep\b|(?:Async\([^;]*\)|Task)\.Result\b")]
    private static partial Regex Blocking();

    [GeneratedRegex(@"""\s*(?:SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE TABLE)\s|\bSqliteSession\b|\bSQLitePCL\b")]
    private static partial Regex Sql();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
