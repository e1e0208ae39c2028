using System.Text.RegularExpressions;
using LogLine.Api.Ledger;

namespace LogLine.Api.Tests.Checkout;

/// <summary>The rooms of docs/architecture.md and the arrows between them, read from the using directives.</summary>
public sealed partial class RoomTests
{
    // What each room may lean on, from the top down.
    private static readonly Dictionary<string, string[]> Api = new()
    {
        ["Workers"] = ["Delivery", "Submissions", "Gate", "Runs", "Tenants", "Artifacts", "Ledger", "OpenApi", "Errors", "Telemetry"],
        ["Delivery"] = ["Submissions", "Gate", "Runs", "Policy", "Tenants", "Artifacts", "Ledger", "OpenApi", "Errors", "Telemetry"],
        ["Submissions"] = ["Gate", "Runs", "Policy", "Tenants", "Artifacts", "Ledger", "OpenApi", "Errors", "Telemetry"],
        ["Adapters"] = ["Runs", "Artifacts"],
        ["Gate"] = ["Runs", "Policy", "Tenants", "Artifacts", "Ledger", "Errors"],
        ["Runs"] = ["Policy", "Tenants", "Artifacts", "Ledger", "Errors"],
        ["Policy"] = ["Tenants", "Ledger", "Errors"],
        ["Tenants"] = ["Ledger", "Errors"],
        ["Artifacts"] = ["Ledger"],
        ["OpenApi"] = ["Errors"],
        ["Errors"] = ["Telemetry"],
        ["Telemetry"] = ["Ledger"],
        ["Ledger"] = [],
    };

    private static readonly Dictionary<string, string[]> Protocol = new()
    {
        ["Verification"] = ["MiniContainers", "Spans", "Merkle", "Crypto", "Json"],
        ["Tdln"] = ["MiniContainers", "Spans", "Schema", "Merkle", "Crypto", "Json"],
        ["MiniContainers"] = ["Spans", "Schema", "Merkle", "Crypto", "Json"],
        ["Spans"] = ["Schema", "Merkle", "Crypto", "Json"],
        ["Schema"] = ["Crypto", "Json"],
        ["Merkle"] = ["Crypto", "Json"],
        ["Crypto"] = ["Json"],
        ["Json"] = [],
    };

    [Fact]
    public void Rooms_LeanDownwardsOnly()
    {
        Assert.Empty(Wrong("LogLine.Api", Api));
        Assert.Empty(Wrong("LogLine.Protocol", Protocol));
    }

    [Fact]
    public void Protocol_KnowsNeitherServerNorClock()
    {
        foreach (var file in Sources("LogLine.Protocol"))
        {
            var text = File.ReadAllText(file);
            Assert.DoesNotContain("Microsoft.AspNetCore", text, StringComparison.Ordinal);
            Assert.DoesNotContain("UtcNow", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void CommandLine_KnowsOfTheGatewayItsLedgerAlone() => Assert.All(
        Sources("LogLine.Cli").SelectMany(file => Using().Matches(File.ReadAllText(file)).Where(match => match.Groups["project"].Value == "LogLine.Api")), match => Assert.Equal("Ledger", match.Groups["room"].Value));

    [Fact]
    public void Gate_KnowsNoHttp() => Assert.All(Sources("LogLine.Api/Gate"), file => Assert.DoesNotContain("HttpContext", File.ReadAllText(file), StringComparison.Ordinal));

    [Fact]
    public void AdmittedSpan_CanBeMadeByTheGateAlone()
    {
        Assert.Empty(typeof(AdmittedSpan).GetConstructors());
        var makers = Sources("LogLine.Api").Where(file => File.ReadAllText(file).Contains("AdmittedSpan.Admit(", StringComparison.Ordinal));
        Assert.Equal([Repository.At("src", "LogLine.Api", "Gate", "Admission.cs")], makers);
    }

    [Fact]
    public void Time_ComesFromTheTimeProvider() =>
        Assert.All(Sources("LogLine.Api"), file => Assert.False(Clock().IsMatch(File.ReadAllText(file)), $"{file} reads the clock past TimeProvider"));

    [Fact]
    public void Program_IsATableOfContents() => Assert.InRange(File.ReadLines(Repository.At("src", "LogLine.Api", "Program.cs")).Count(), 1, 80);

    private static IEnumerable<string> Wrong(string project, Dictionary<string, string[]> arrows)
    {
        var folder = Repository.At("src", project);
        foreach (var file in Sources(project))
        {
            var room = Path.GetRelativePath(folder, file).Split('/')[0];
            if (!arrows.TryGetValue(room, out var below))
            {
                continue; // Program.cs and GatewayHost.cs put the rooms together
            }
            foreach (Match match in Using().Matches(File.ReadAllText(file)))
            {
                if (match.Groups["project"].Value == project && match.Groups["room"].Value is var other && other != room && arrows.ContainsKey(other) && !below.Contains(other))
                {
                    yield return $"{Path.GetRelativePath(folder, file)} leans on {other}";
                }
            }
        }
    }

    private static IEnumerable<string> Sources(string below) =>
        Directory.EnumerateFiles(Repository.At("src", below), "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    [GeneratedRegex(@"\busing (?:static )?(?<project>LogLine\.(?:Api|Protocol))\.(?<room>\w+)")]
    private static partial Regex Using();

    [GeneratedRegex(@"\bDateTime(?:Offset)?\.(?:UtcNow|Now)\b|\bTask\.Delay\([^,()]*\)")]
    private static partial Regex Clock();
}
