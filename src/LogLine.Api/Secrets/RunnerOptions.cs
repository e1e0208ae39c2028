namespace LogLine.Api.Secrets;

/// <summary>Options of what carries runs out, in whichever process that is; section <c>LogLine:Runner</c>.</summary>
public sealed class RunnerOptions
{
    /// <summary>Where secrets lie that containers read from files: a folder in memory that the engine sees too. By default one in <c>/dev/shm</c>.</summary>
    public string? SecretsPath { get; set; }

    /// <summary>
    /// Seconds, 0 to 600, that commands which are in flight may go on once the worker was told to stop; what runs for longer is given back as it stands. Default: 5, since most
    /// supervisors kill after ten.
    /// </summary>
    public double DrainSeconds { get; set; } = 5;

    /// <summary>The same as a span of time.</summary>
    public TimeSpan DrainTime => TimeSpan.FromSeconds(Math.Clamp(DrainSeconds, 0, 600));
}
