namespace LogLine.Fuzz.Campaigns;

/// <summary>The folder of failing inputs: the input itself, and beside it what happened and how to see it again. What looks alike is written once.</summary>
internal sealed class Finds(FuzzOptions options)
{
    private const int Most = 200;
    private readonly Dictionary<string, int> _seen = [];

    /// <summary>Different failures so far.</summary>
    public int Count => _seen.Count;

    /// <summary>One line for each.</summary>
    public IEnumerable<string> Lines => _seen.Select(seen => $"{seen.Value}× {seen.Key}");

    /// <summary>Records a failure.</summary>
    public void Add(TargetCourse course, long number, byte[] input, string what)
    {
        var alike = $"{course.Name}: {Outline(what)}";
        _seen[alike] = _seen.GetValueOrDefault(alike) + 1;
        if (_seen[alike] > 1 || _seen.Count > Most)
        {
            return;
        }
        Directory.CreateDirectory(options.Finds);
        var file = Path.Combine(options.Finds, $"{course.Name}-{_seen.Count:0000}.input");
        File.WriteAllBytes(file, input);
        File.WriteAllText(Path.ChangeExtension(file, ".txt"), $"""
            {what}

            alone:   dotnet run -c Release --project tests/LogLine.Fuzz -- --replay {file}
            in turn: dotnet run -c Release --project tests/LogLine.Fuzz -- --target {course.Name} --seed {options.Seed} --inputs {number}

            """);
    }

    // The kind of failure and where it came from, without the values of this input.
    private static string Outline(string what)
    {
        var lines = what.Split('\n');
        var place = lines.FirstOrDefault(line => line.Contains(" at LogLine.", StringComparison.Ordinal) && !line.Contains("LogLine.Fuzz", StringComparison.Ordinal))?.Trim();
        var head = place is null ? new string([.. lines[0].Where(c => !char.IsDigit(c))]) : lines[0].Split(':')[0];
        return head.Length > 160 ? head[..160] : head + (place is null ? "" : " " + place.Split(" in ")[0]);
    }
}
