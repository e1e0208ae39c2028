using LogLine.Fuzz.Targets;

namespace LogLine.Fuzz.Campaigns;

/// <summary>One input alone, against a target that has seen no other.</summary>
internal static class Replay
{
    /// <summary>Exit code 0 when it is answered as it should and in time, 1 when not, 2 when the file is of no target.</summary>
    public static int Run(string file)
    {
        var name = Path.GetFileName(file).Split('-')[0];
        if (!TargetTable.Names.Contains(name))
        {
            Console.Error.WriteLine($"The name of a file begins with its target: {string.Join(", ", TargetTable.Names)}.");
            return 2;
        }
        using var target = TargetTable.Open(name);
        var input = File.ReadAllBytes(file);
        try
        {
            Console.WriteLine(target.Run(input));
        }
        catch (Exception defect)
        {
            Console.WriteLine(defect);
            return 1;
        }
        var cost = InputCost.Least(target, input, renew: true);
        Console.WriteLine($"{cost / 1e6:0.00} ms of processor time, the least of {InputCost.Times} runs");
        return cost > TargetCourse.MaxNanoseconds ? 1 : 0;
    }
}
