namespace LogLine.Fuzz.Campaigns;

/// <summary>What a run says: a line now and then, and a summary.</summary>
internal static class CampaignReport
{
    private const int Shown = 40;

    /// <summary>The line.</summary>
    public static string Progress(IReadOnlyList<TargetCourse> courses, TimeSpan elapsed) =>
        $"{elapsed:hh\\:mm\\:ss} {courses.Sum(course => course.Inputs):N0} inputs ({string.Join(", ", courses.Select(course => $"{course.Name} {course.Inputs:N0}/{course.Corpus}"))})";

    /// <summary>The summary: inputs per target, answers, the most costly inputs, finds.</summary>
    public static void Write(TextWriter output, FuzzOptions options, IReadOnlyList<TargetCourse> courses, Finds finds, TimeSpan elapsed)
    {
        output.WriteLine($"{courses.Sum(course => course.Inputs):N0} inputs in {elapsed:hh\\:mm\\:ss}, seed {options.Seed}");
        foreach (var course in courses)
        {
            Write(output, course);
        }
        output.WriteLine();
        output.WriteLine("most costly inputs (processor time, the least of several runs)");
        foreach (var (name, slow) in courses.SelectMany(course => course.MostCostly.Select(slow => (course.Name, slow))).OrderByDescending(row => row.slow.Nanoseconds).Take(10))
        {
            output.WriteLine($"  {slow.Nanoseconds / 1e6,7:0.00} ms  {name}, {slow.Input.Length:N0} bytes: {(slow.Kind.Length > 100 ? slow.Kind[..100] + "…" : slow.Kind)}");
        }
        output.WriteLine();
        output.WriteLine(finds.Count == 0 ? "found: nothing" : $"found: {finds.Count}, in {options.Finds}");
        foreach (var line in finds.Lines)
        {
            output.WriteLine("  " + line);
        }
    }

    private static void Write(TextWriter output, TargetCourse course)
    {
        output.WriteLine();
        output.WriteLine($"{course.Name}: {course.Inputs:N0} inputs, {course.Nanoseconds / Math.Max(1, course.Inputs) / 1000.0:0.0} µs on average, {course.Corpus:N0} kept to mutate");
        foreach (var (kind, count) in course.Answers.OrderByDescending(answer => answer.Value).Take(Shown))
        {
            output.WriteLine($"  {count,10:N0}  {kind}");
        }
    }
}
