using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Quantities;

namespace LogLine.Protocol.MiniContainers;

/// <summary>When a container that has ended is started again.</summary>
public enum RestartPolicy
{
    /// <summary>Never; the default.</summary>
    No,
    /// <summary>When its exit code is not 0.</summary>
    OnFailure,
    /// <summary>Whatever its exit code.</summary>
    Always,
}

/// <summary>How a container shows that it is healthy; exactly one of <see cref="HttpPath"/>, <see cref="Argv"/> and neither (TCP) holds.</summary>
public sealed record HealthCheck
{
    /// <summary>Port of the container, for HTTP and TCP.</summary>
    public int Port { get; init; }

    /// <summary>HTTP: path and query of a GET that must answer 200 to 399; null for the other kinds.</summary>
    public string? HttpPath { get; init; }

    /// <summary>Exec: a command that must end with 0 inside the container; empty for the other kinds.</summary>
    public IReadOnlyList<string> Argv { get; init; } = [];

    /// <summary>Between the end of one probe and the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For one probe.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So many failures in a row, outside the start period, are the end.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>From the start on failures do not count for so long; one success ends it.</summary>
    public TimeSpan StartPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two probes once it is running.</summary>
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>http</c>, <c>tcp</c> or <c>exec</c>.</summary>
    public string Kind => HttpPath is not null ? "http" : Argv.Count > 0 ? "exec" : "tcp";
}

/// <summary><c>deploy.lifecycle</c> and <c>deploy.restart</c> of a manifest: what stands between started and running, and what follows an end.</summary>
public sealed record DeployLifecycle
{
    private static readonly (string Pointer, string[] Path)[] Lengths =
    [
        ("/lifecycle/health/interval", ["lifecycle", "health", "interval"]),
        ("/lifecycle/health/timeout", ["lifecycle", "health", "timeout"]),
        ("/lifecycle/health/start_period", ["lifecycle", "health", "start_period"]),
        ("/lifecycle/health/watch_interval", ["lifecycle", "health", "watch_interval"]),
        ("/lifecycle/settle", ["lifecycle", "settle"]),
        ("/lifecycle/start_timeout", ["lifecycle", "start_timeout"]),
        ("/lifecycle/stop_timeout", ["lifecycle", "stop_timeout"]),
    ];

    /// <summary>The longest that any of them may be.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>The health check, or null when being alive is enough.</summary>
    public HealthCheck? Health { get; init; }

    /// <summary>How long it must have been alive before it counts as running; zero by default.</summary>
    public TimeSpan Settle { get; init; }

    /// <summary>From the start until it is healthy, at most.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>From the request to end until it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether it is started again when it ends.</summary>
    public RestartPolicy Restart { get; init; }

    /// <summary>Whether one that runs and is not healthy any more is stopped and started again.</summary>
    public bool RestartUnhealthy { get; init; }

    /// <summary>How often at most; null for no limit.</summary>
    public int? MaxRestarts { get; init; }

    /// <summary>What a deploy section says, with the defaults for what it does not say.</summary>
    public static DeployLifecycle Of(JsonElement deploy)
    {
        var (given, restart, standard) = (deploy.Member("lifecycle"), deploy.Member("restart"), new DeployLifecycle());
        return new DeployLifecycle
        {
            Health = given.Member("health") is { ValueKind: JsonValueKind.Object } health ? HealthOf(health) : null,
            Settle = Length(given, "settle") ?? standard.Settle,
            StartTimeout = Length(given, "start_timeout") ?? standard.StartTimeout,
            StopTimeout = Length(given, "stop_timeout") ?? standard.StopTimeout,
            Restart = restart.Text("policy") switch { "always" => RestartPolicy.Always, "on_failure" => RestartPolicy.OnFailure, _ => RestartPolicy.No },
            RestartUnhealthy = restart.Flag("on_unhealthy") ?? false,
            MaxRestarts = (int?)restart.Integer("max_restarts"),
        };
    }

    /// <summary>What no JSON Schema says about the lengths of time in a deploy section: JSON Pointer below it, and message.</summary>
    public static IEnumerable<(string Path, string Message)> Problems(JsonElement deploy)
    {
        foreach (var (pointer, path) in Lengths)
        {
            if (path.Aggregate(deploy, (element, name) => element.Member(name)) is not { ValueKind: JsonValueKind.String } text)
            {
                continue;
            }
            if (!TimeLength.TryParse(text.GetString()!, out var length, out var problem))
            {
                yield return (pointer, $"'{text.GetString()}': {problem}");
            }
            else if (length > Longest)
            {
                yield return (pointer, $"'{text.GetString()}' is more than an hour");
            }
        }
    }

    private static HealthCheck HealthOf(JsonElement health)
    {
        var (http, standard) = (health.Member("http"), new HealthCheck());
        return new HealthCheck
        {
            Port = (int)(http.Integer("port") ?? health.Member("tcp").Integer("port") ?? 0),
            HttpPath = http.ValueKind == JsonValueKind.Object ? http.Text("path") ?? "/" : null,
            Argv = health.Member("exec").Texts("argv"),
            Interval = Length(health, "interval") ?? standard.Interval,
            Timeout = Length(health, "timeout") ?? standard.Timeout,
            Retries = (int)(health.Integer("retries") ?? standard.Retries),
            StartPeriod = Length(health, "start_period") ?? standard.StartPeriod,
            WatchInterval = Length(health, "watch_interval") ?? standard.WatchInterval,
        };
    }

    private static TimeSpan? Length(JsonElement given, string name) =>
        given.Text(name) is { } text && TimeLength.TryParse(text, out var length, out _) ? length : null;
}
