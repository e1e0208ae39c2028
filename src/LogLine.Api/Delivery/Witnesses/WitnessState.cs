namespace LogLine.Api.Delivery.Witnesses;

/// <summary>How it stands with one witness.</summary>
internal enum WitnessStanding
{
    /// <summary>Not asked yet.</summary>
    New,

    /// <summary>Cosigned what it was asked for last.</summary>
    Cosigns,

    /// <summary>No answer, or none that makes sense.</summary>
    Unreachable,

    /// <summary>It does not know this log, or not this log's key.</summary>
    Refuses,

    /// <summary>It has cosigned another history of this log: this one was rolled back or has forked.</summary>
    Disagrees,
}

/// <summary>A witness, and what is known of it. Changed by <see cref="WitnessRounds"/> alone, one request at a time.</summary>
internal sealed class WitnessState(string name, byte[] publicKey, Uri url)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public string Name => name;

    public byte[] PublicKey => publicKey;

    public Uri Url => url;

    public WitnessStanding Standing { get; private set; }

    /// <summary>Why it does not cosign; null when it does.</summary>
    public string? Reason { get; private set; }

    /// <summary>Size of the checkpoint that it cosigned last, as far as this gateway knows; a witness that knows better says so.</summary>
    public long Size { get; set; }

    /// <summary>Failures in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>When it is asked again after a failure, a timestamp of the clock.</summary>
    public long NotBefore { get; private set; }

    public void Succeed(long size)
    {
        (Standing, Reason, Size, Failures, NotBefore) = (WitnessStanding.Cosigns, null, size, 0, 0);
    }

    public void Fail(WitnessStanding standing, string reason, TimeProvider time)
    {
        (Standing, Reason) = (standing, reason);
        var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, 1 << Math.Min(Failures++, 6)) * (0.75 + (Random.Shared.NextDouble() / 2)));
        NotBefore = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
    }
}
