using LogLine.Api.Ledger;

namespace LogLine.Api.Runs;

/// <summary>A gateway, or the store behind it, that does not answer now: the operator's to mend, and no defect. Whoever needs it waits and asks again.</summary>
internal static class Absence
{
    /// <summary>The first pause before it is asked again; each is twice the one before.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    /// <summary>No pause is longer.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>True when that is all that is wrong.</summary>
    public static bool IsAway(this Exception defect) => defect is GatewayAwayException or LedgerStoreException or LedgerUnavailableException;

    /// <summary>Asks until there is an answer.</summary>
    public static async Task<T> OutlastAsync<T>(Func<Task<T>> ask, TimeProvider time, CancellationToken cancel)
    {
        for (var pause = FirstPause; ; pause = Longer(pause))
        {
            try
            {
                return await ask();
            }
            catch (Exception away) when (away.IsAway())
            {
                await Task.Delay(pause, time, cancel);
            }
        }
    }

    /// <summary>The pause behind one.</summary>
    public static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;
}
