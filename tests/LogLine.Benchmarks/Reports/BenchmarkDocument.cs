using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace LogLine.Benchmarks.Reports;

/// <summary>The document: machine and runtime, then per figure the yardstick, the ratio, when and of which commit it was measured, and what limits it.</summary>
internal static partial class BenchmarkDocument
{
    // Asked once, before the first figures are written: the document, of which each benchmark writes its part, is in the same tree.
    private static readonly string MeasuredAt = Commit();

    /// <summary>Writes the figures of this run. Those that a file holds of other benchmarks stay, so that a long list can be measured in parts.</summary>
    /// <param name="order">Names of all benchmarks, in the order of the document.</param>
    public static string Compose(IReadOnlyList<Figure> figures, BenchmarkOptions options, IReadOnlyList<string> order, string former)
    {
        var (now, kept) = (figures.Select(figure => figure.Benchmark).ToHashSet(), Parts(former));
        var date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var text = new StringBuilder();
        text.AppendLine("# Benchmarks").AppendLine();
        text.AppendLine("Written by `tests/run --with dotnet tests/LogLine.Benchmarks/bin/Release/net10.0/LogLine.Benchmarks.dll --write docs/benchmarks.md`; do not edit by hand.").AppendLine();
        text.AppendLine("Every figure is a ratio to a yardstick that was measured in the same run, in turns with it; it is the median of the rounds' ratios, and in brackets stand the lowest and");
        text.AppendLine("highest of a round. Ratios carry over to other machines; the absolute numbers below them do not. One kind is measured otherwise: of primitives that the lifecycle guard judges, or that take the engine long, what is added is taken within");
        text.AppendLine("each call, as all of it but the engine's part (the adapter at work, and its answers to the lifecycle guard, by the gateway's own metrics); what the same takes by hand stands beside it.").AppendLine();
        text.AppendLine("| | |").AppendLine("|---|---|");
        foreach (var (name, value) in Facts(options))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value} |");
        }
        text.AppendLine().AppendLine("| benchmark | measured | yardstick | ratio | target | | commit, day |").AppendLine("|---|---|---|---|---|---|---|");
        foreach (var name in order)
        {
            foreach (var row in Stay(name).Where(part => part[0] == '|').Concat(figures.Where(figure => figure.Benchmark == name).Select(figure => Row(figure, date))))
            {
                text.AppendLine(row);
            }
        }
        foreach (var name in order)
        {
            foreach (var section in Stay(name).Where(part => part[0] == '#').Concat(figures.Where(figure => figure.Benchmark == name && figure.Details.Count + figure.Limit.Length > 0).Select(Section)))
            {
                text.AppendLine().AppendLine(section);
            }
        }
        return text.ToString().TrimEnd() + "\n";

        // Of a benchmark that was measured in part what was not measured stays.
        IEnumerable<string> Stay(string name) => !now.Contains(name) ? kept[name] : options.Only.Count == 0 ? [] : kept[name].Where(part => !IntentPattern().Matches(part.Split('\n')[0]).Any(intent => options.WantsIntent(intent.Groups[1].Value)));
    }

    [GeneratedRegex("`([a-z]+[.][a-z_.]+)`")]
    private static partial Regex IntentPattern();

    private static string Row(Figure figure, string date) =>
        $"| `{figure.Benchmark}` | {figure.Measured} | {figure.Yardstick} | {figure.RatioText} | {figure.Target} | {Verdict(figure)} | {MeasuredAt}, {date} |";

    private static string Section(Figure figure)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"## {figure.Benchmark}: {figure.Measured}").AppendLine();
        foreach (var detail in figure.Details)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {detail}");
        }
        return text.Append(figure.Details.Count > 0 && figure.Limit.Length > 0 ? "\n" + figure.Limit : figure.Limit).ToString().TrimEnd();
    }

    /// <summary>Rows of the table and sections of an earlier document, by the names of their benchmarks.</summary>
    private static ILookup<string, string> Parts(string document)
    {
        var rows = document.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => (Name: line.Split('`')[1], Part: line));
        var sections = document.Split("\n## ").Skip(1).Select(section => (Name: section.Split(':')[0], Part: "## " + section.TrimEnd()));
        return rows.Concat(sections).ToLookup(part => part.Name, part => part.Part);
    }

    private static string Verdict(Figure figure) => figure.IsMet switch { true => "met", false => "**missed**", null => "" };

    private static IEnumerable<(string Name, string Value)> Facts(BenchmarkOptions options)
    {
        yield return ("machine", $"{Environment.ProcessorCount} cores, {Processor()}, {RuntimeInformation.OSDescription}");
        yield return ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}");
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
