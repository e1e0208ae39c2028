using System.Diagnostics;
using LogLine.Fuzz.Targets;

namespace LogLine.Fuzz.Campaigns;

/// <summary>Runs inputs against every target in turns until the time or the number is reached, and reports.</summary>
internal static class Campaign
{
    private const int Turn = 500;
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    /// <summary>Exit code 0 when nothing was found, 1 otherwise.</summary>
    public static int Run(FuzzOptions options, TextWriter output)
    {
        var started = Stopwatch.StartNew();
        var names = options.Targets.Count > 0 ? options.Targets : TargetTable.Names;
        var finds = new Finds(options);
        var courses = names.Select(name => new TargetCourse(name, TargetTable.Open(name), options.Seed, finds)).ToList();
        try
        {
            TakeTurns(options, courses, started, output);
            CampaignReport.Write(output, options, courses, finds, started.Elapsed);
            return finds.Count > 0 ? 1 : 0;
        }
        finally
        {
            courses.ForEach(course => course.Dispose());
        }
    }

    private static void TakeTurns(FuzzOptions options, List<TargetCourse> courses, Stopwatch started, TextWriter output)
    {
        var (next, total, said) = (0, 0L, TimeSpan.Zero);
        while (!finished())
        {
            var course = courses[next++ % courses.Count];
            for (var i = 0; i < Turn && !finished(); i++)
            {
                course.Step();
                total++;
            }
            if (started.Elapsed - said > BetweenLines)
            {
                said = started.Elapsed;
                output.WriteLine(CampaignReport.Progress(courses, said));
            }
        }

        bool finished() => total >= options.Inputs || (options.Minutes is { } minutes && started.Elapsed.TotalMinutes >= minutes);
    }
}
