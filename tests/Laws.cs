using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace LogLine.Tests;

/// <summary>
/// Laws that hold for every choice. FsCheck makes the choices, the same in each run, so that a run fails for what was changed and not by chance;
/// LOGLINE_TEST_SEED=&lt;a number&gt; makes it others. When a choice breaks a law, the failure names it and the seed.
/// </summary>
internal static class Laws
{
    private static readonly ulong Seed = ulong.TryParse(Environment.GetEnvironmentVariable("LOGLINE_TEST_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : 20261121;

    /// <summary>How FsCheck holds a law against <paramref name="times"/> choices.</summary>
    public static Config Choices(int times) => Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(times).WithReplay(Seed, 1);

    /// <summary>Holds a law against <paramref name="times"/> choices; each has a source of its own, which its seed decides.</summary>
    public static void Hold(int times, Action<Random> law) =>
        Check.One(Choices(times), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            law(new Random(seed));
            return true;
        }));

    /// <inheritdoc cref="Hold"/>
    public static Task HoldAsync(int times, Func<Random, Task> law) => Task.Run(() => Hold(times, random => law(random).GetAwaiter().GetResult()));

    /// <summary>One of them.</summary>
    public static T Of<T>(this Random random, params T[] choices) => choices[random.Next(choices.Length)];

    /// <summary>Some of them, in their order; perhaps none, perhaps all.</summary>
    public static List<T> Some<T>(this Random random, IEnumerable<T> choices) => [.. choices.Where(_ => random.Next(2) == 0)];
}
