namespace LogLine.Benchmarks.Reports;

/// <summary>Two sides measured in turns; the ratio is the median of the rounds' ratios.</summary>
/// <param name="Ratio">Median of measured / yardstick.</param>
/// <param name="Lowest">Lowest ratio of a round.</param>
/// <param name="Highest">Highest ratio of a round.</param>
/// <param name="Measured">Median of the measured side.</param>
/// <param name="Yardstick">Median of the yardstick.</param>
internal sealed record Turns(double Ratio, double Lowest, double Highest, double Measured, double Yardstick)
{
    /// <summary>Takes the sides in turns; which one begins changes from round to round.</summary>
    public static async Task<Turns> TakeAsync(int rounds, Func<Task<double>> measured, Func<Task<double>> yardstick)
    {
        var (ours, theirs) = (new double[rounds], new double[rounds]);
        for (var round = 0; round < rounds; round++)
        {
            if (round % 2 == 0)
            {
                ours[round] = await measured();
                theirs[round] = await yardstick();
            }
            else
            {
                theirs[round] = await yardstick();
                ours[round] = await measured();
            }
        }
        var ratios = ours.Zip(theirs, (one, other) => one / other).ToArray();
        return new Turns(Median(ratios), ratios.Min(), ratios.Max(), Median(ours), Median(theirs));
    }

    /// <inheritdoc cref="TakeAsync"/>
    public static Task<Turns> TakeAsync(int rounds, Func<double> measured, Func<double> yardstick) =>
        TakeAsync(rounds, () => Task.FromResult(measured()), () => Task.FromResult(yardstick()));

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
