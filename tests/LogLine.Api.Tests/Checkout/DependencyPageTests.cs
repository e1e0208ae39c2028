using System.Text.RegularExpressions;

namespace LogLine.Api.Tests.Checkout;

/// <summary>docs/dependencies.md has a row for every package, with the version that is pinned.</summary>
public sealed partial class DependencyPageTests
{
    [Fact]
    public void Page_HasEveryPackageWithItsVersion()
    {
        var pinned = Pins().Matches(File.ReadAllText(Repository.At("Directory.Packages.props"))).Select(match => $"| `{match.Groups[1].Value}` | {match.Groups[2].Value} |");
        var shown = Rows().Matches(File.ReadAllText(Repository.At("docs", "dependencies.md"))).Select(match => match.Value);

        Assert.Equal(pinned.Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("<PackageVersion Include=\"([^\"]+)\" Version=\"([^\"]+)\"")]
    private static partial Regex Pins();

    [GeneratedRegex(@"^\| `[A-Za-z0-9._]+` \| [0-9][^ ]* \|", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
