using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace LogLine.Benchmarks.Reports;

/// <summary>The document: machine, commit, runtime, then per figure the yardstick, the ratio and what limits it.</summary>
internal static class BenchmarkDocument
{
    public static string Compose(IReadOnlyList<Figure> figures, BenchmarkOptions options)
    {
        var text = new StringBuilder();
        text.AppendLine("# Benchmarks").AppendLine();
        text.AppendLine("Written by `dotnet run -c Release --project tests/LogLine.Benchmarks -- --write docs/benchmarks.md`; do not edit by hand.").AppendLine();
        text.AppendLine("Every figure is a ratio to a yardstick that was measured in the same run, in turns with it; it is the median of the rounds' ratios, and in brackets stand the lowest and");
        text.AppendLine("highest of a round. Ratios carry over to other machines; the absolute numbers below them do not.").AppendLine();
        text.AppendLine("| | |").AppendLine("|---|---|");
        foreach (var (name, value) in Facts(options))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value} |");
        }
        text.AppendLine().AppendLine("| benchmark | measured | yardstick | ratio | target | |").AppendLine("|---|---|---|---|---|---|");
        foreach (var figure in figures)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| `{figure.Benchmark}` | {figure.Measured} | {figure.Yardstick} | {figure.RatioText} | {figure.Target} | {Verdict(figure)} |");
        }
        foreach (var figure in figures)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {figure.Benchmark}: {figure.Measured}").AppendLine();
            foreach (var detail in figure.Details)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"- {detail}");
            }
            text.AppendLine(figure.Details.Count > 0 && figure.Limit.Length > 0 ? "\n" + figure.Limit : figure.Limit);
        }
        return text.ToString().TrimEnd() + "\n";
    }

    private static string Verdict(Figure figure) => figure.IsMet switch { true => "met", false => "**missed**", null => "" };

    private static IEnumerable<(string Name, string Value)> Facts(BenchmarkOptions options)
    {
        yield return ("machine", $"{Environment.ProcessorCount} cores, {Processor()}, {RuntimeInformation.OSDescription}");
        yield return ("commit", Commit());
        yield return ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}");
        yield return ("date", DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        yield return ("rounds", $"{options.Rounds} of about {options.Seconds} s per side under load; {ShortWork.Rounds} of 20 ms for short work");
    }

    private static string Processor()
    {
        const string Info = "/proc/cpuinfo";
        var line = File.Exists(Info) ? File.ReadLines(Info).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? "unknown processor";
    }

    private static string Commit()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["describe", "--always", "--dirty", "--abbrev=12"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var answer = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return answer.Length > 0 ? answer : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
