using LogLine.Fuzz.Targets;

namespace LogLine.Fuzz.Campaigns;

/// <summary>What the command line asks for.</summary>
/// <param name="Targets">Names of the targets; all when empty.</param>
/// <param name="Inputs">Ends after this many inputs, all targets together; null for no such end.</param>
/// <param name="Minutes">Ends after this many minutes of wall time; null for no such end.</param>
/// <param name="Seed">Decides every input.</param>
/// <param name="Finds">The folder that failing inputs are written to.</param>
/// <param name="Replay">The file of an input to run alone, or null.</param>
internal sealed record FuzzOptions(IReadOnlyList<string> Targets, long? Inputs, double? Minutes, int Seed, string Finds, string? Replay)
{
    private const double DefaultMinutes = 1;

    private const string Usage = """
        usage: dotnet run -c Release --project tests/LogLine.Fuzz -- [--target NAME]… [--inputs N] [--minutes N] [--seed N] [--finds FOLDER]
               dotnet run -c Release --project tests/LogLine.Fuzz -- --replay FILE

        --target NAME   only this target, may be repeated; all by default
        --inputs N      ends after N inputs, all targets together
        --minutes N     ends after N minutes (a fraction is fine); 1 when neither is given
        --seed N        the same seed and targets make the same inputs in the same order; 1 by default
        --finds FOLDER  where failing inputs are written; ./fuzz-finds by default
        --replay FILE   runs one input of such a folder alone and says what comes of it

        """;

    /// <summary>Null when an argument is not understood.</summary>
    public static FuzzOptions? Parse(string[] args)
    {
        var options = new FuzzOptions([], null, null, 1, "fuzz-finds", null);
        if (args.Length % 2 != 0)
        {
            return null;
        }
        for (var i = 0; i < args.Length; i += 2)
        {
            if (With(options, args[i], args[i + 1]) is not { } next)
            {
                return null;
            }
            options = next;
        }
        return options is { Inputs: null, Minutes: null } ? options with { Minutes = DefaultMinutes } : options;
    }

    private static FuzzOptions? With(FuzzOptions options, string name, string value) => name switch
    {
        "--target" when TargetTable.Names.Contains(value) => options with { Targets = [.. options.Targets, value] },
        "--inputs" when long.TryParse(value, out var inputs) && inputs > 0 => options with { Inputs = inputs },
        "--minutes" when double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out var minutes) && minutes > 0 => options with { Minutes = minutes },
        "--seed" when int.TryParse(value, out var seed) => options with { Seed = seed },
        "--finds" => options with { Finds = value },
        "--replay" when File.Exists(value) => options with { Replay = value },
        _ => null,
    };

    /// <summary>Exit code 2.</summary>
    public static int ShowUsage()
    {
        Console.Error.Write(Usage);
        foreach (var (name, what) in TargetTable.All)
        {
            Console.Error.WriteLine($"  {name,-10} {what}");
        }
        return 2;
    }
}
