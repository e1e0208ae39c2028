namespace LogLine.Api.Adapters.Engine;

/// <summary>How long and how much is waited for and read from an engine.</summary>
internal sealed record EngineLimits
{
    public static EngineLimits Default { get; } = new();

    /// <summary>To open a connection.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For the engine to say what it is.</summary>
    public TimeSpan Status { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For an ordinary answer; creating and starting on a busy machine takes seconds.</summary>
    public TimeSpan Answer { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>To fetch an image.</summary>
    public TimeSpan Pull { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>To follow the output of a container.</summary>
    public TimeSpan Follow { get; init; } = TimeSpan.FromHours(1);

    /// <summary>To move an archive into or out of the engine.</summary>
    public TimeSpan Transfer { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For a transient state (restarting, removing, stopping) to pass.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest wait between looks at a transient state; also the first one before asking a lost engine again.</summary>
    public TimeSpan Glance { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The first wait between looks at a state that mostly passes at once; each one after it is twice as long (<see cref="Longer"/>).</summary>
    public TimeSpan FirstGlance { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The wait after that one: twice as long, and no longer than <see cref="Glance"/>.</summary>
    public TimeSpan Longer(TimeSpan pause) => pause * 2 < Glance ? pause * 2 : Glance;

    /// <summary>The longest wait before asking a lost engine again; each wait is twice the one before.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an image counts as seen. What the gateway itself does to images is seen at once; what others do on the engine's machine, that much later.</summary>
    public TimeSpan ImageSight { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>One waiting call; afterwards the container is looked at, in case the engine lost the call.</summary>
    public TimeSpan WaitSlice { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections open at once, waits aside: each run that is waited for has one of its own, and the worker bounds its runs.</summary>
    public int Connections { get; init; } = 64;

    /// <summary>The largest answer that is read whole, in bytes.</summary>
    public int AnswerBytes { get; init; } = 4 << 20;
}
