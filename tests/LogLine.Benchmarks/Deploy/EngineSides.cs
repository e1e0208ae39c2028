using System.Diagnostics;
using LogLine.Benchmarks.Reports;
using LogLine.Benchmarks.Servers;
using LogLine.Protocol.Json;

namespace LogLine.Benchmarks.Deploy;

/// <summary>Both sides of a comparison on one engine: a gateway of its own, and the engine's own API.</summary>
internal sealed class EngineSides : IAsyncDisposable
{
    /// <summary>Name of the container that is looked at.</summary>
    public const string Name = "bench";

    /// <summary>So many looks come before anything is measured.</summary>
    private const int WarmLooks = 800;

    /// <summary>Before anything is measured it is done in blocks of so many.</summary>
    public const int SettlingBlock = 20;

    /// <summary>At least and at most so many blocks.</summary>
    private const int FewestBlocks = 8, MostBlocks = 60;

    /// <summary>A gateway whose compiler works less for one of what is measured, milliseconds, for so many blocks on end has settled.</summary>
    private const double SettledMs = 0.3;

    private const int QuietBlocks = 3;

    private static readonly TimeSpan LongestSettling = TimeSpan.FromSeconds(150);

    private const int TickMs = 4;

    private static readonly string[] Providers = ["podman", "docker"];

    private EngineSides(string provider, string image, EngineDirect engine, GatewayUnderTest gateway) => (Provider, Image, Engine, Gateway) = (provider, image, engine, gateway);

    public string Provider { get; }

    public string Image { get; }

    public EngineDirect Engine { get; }

    public GatewayUnderTest Gateway { get; }

    /// <summary>Name of the container in the engine.</summary>
    public string Container => $"{Gateway.Tenant}-{Name}";

    /// <summary>Measures on every engine that <c>tests/run --with</c> has named.</summary>
    /// <param name="benchmark">Its name.</param>
    /// <param name="measure">Measures on one.</param>
    /// <param name="worker">Whether the gateway has its worker in a process of its own.</param>
    public static async Task<IReadOnlyList<Figure>> OnEachAsync(string benchmark, Func<EngineSides, Task<IReadOnlyList<Figure>>> measure, bool worker = false)
    {
        var figures = new List<Figure>();
        foreach (var provider in Providers)
        {
            var variable = Variable(provider);
            if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } socket)
            {
                figures.Add(Figure.Skipped(benchmark, provider, "the Engine API", $"{variable} is not set; `tests/run --with` sets it."));
                continue;
            }
            try
            {
                await using var sides = await OpenAsync(provider, socket, worker);
                await sides.WarmUpAsync();
                figures.AddRange(await measure(sides));
            }
            catch (Exception broken) when (broken is InvalidOperationException or HttpRequestException or OperationCanceledException)
            {
                figures.Add(Figure.Failed(benchmark, provider, broken.Message)); // the other engine is measured all the same
            }
        }
        return figures;
    }

    /// <summary>The variable that names an engine's socket.</summary>
    public static string Variable(string provider) => "LOGLINE_TEST_" + provider.ToUpperInvariant();

    /// <summary>A gateway for one engine, with its worker inside or in a process of its own.</summary>
    public static async Task<EngineSides> OpenAsync(string provider, string socket, bool worker)
    {
        var image = Environment.GetEnvironmentVariable("LOGLINE_TEST_IMAGE") ?? "localhost/logline-test:1";
        var engine = new Dictionary<string, string?> { [provider == "podman" ? "CONTAINER_HOST" : "DOCKER_HOST"] = socket };
        var gateway = await GatewayUnderTest.StartAsync(worker ? new Dictionary<string, string?> { ["LogLine__Role"] = "gateway" } : engine);
        if (worker)
        {
            await gateway.StartWorkerAsync(provider, engine);
        }
        return new EngineSides(provider, image, new EngineDirect(new Uri(socket), image), gateway);
    }

    /// <summary>Lets the gateway's runtime, and the worker's where it is apart, compile what every primitive goes through.</summary>
    public async Task WarmUpAsync()
    {
        await MakeContainerAsync();
        for (var look = 0; look < WarmLooks; look++)
        {
            await DoAsync("container.inspect", Name);
        }
        await DoAsync("container.remove", Name, ""","force":true""");
    }

    /// <summary>
    /// Does what is measured until the gateway's runtime compiles nothing for it any more: an engine that has run for long, and is compiled already, is compared with a gateway that has run for long. Whatever is called
    /// thirty times is compiled once more beside it, and again thirty calls later with what was learned, each after a pause in which nothing new was met. What is left of that is said with each figure.
    /// </summary>
    /// <param name="act">Does what is measured.</param>
    /// <param name="atOnce">So many times: a number by which a block can be divided.</param>
    /// <param name="longest">Not much longer than this, where not everything can be done so often.</param>
    public async Task SettleAsync(Func<Task> act, int atOnce = 1, TimeSpan? longest = null)
    {
        var (since, quiet) = (Stopwatch.GetTimestamp(), 0);
        for (var block = 1; block <= MostBlocks && Stopwatch.GetElapsedTime(since) < (longest ?? LongestSettling) && (block <= FewestBlocks || quiet < QuietBlocks); block++)
        {
            var before = await CompiledAsync();
            for (var done = 0; done < SettlingBlock; done += atOnce)
            {
                await act();
            }
            quiet = await CompiledAsync() - before < SettledMs * SettlingBlock ? quiet + 1 : 0;
        }
    }

    /// <summary>Makes the container that is looked at, running.</summary>
    /// <param name="members">What else is ordered.</param>
    public Task MakeContainerAsync(string members = "") => DoAsync("container.create", Name, $$""","image":"{{Image}}","auto_start":true{{members}}""");

    /// <summary>Sends a primitive and waits for its end.</summary>
    public async Task DoAsync(string intent, string? name, string members = "")
    {
        var kind = intent.Split('.')[0];
        var (subject, named) = name is null ? ($"urn:{kind}:{Gateway.Tenant}", "") : ($"urn:{kind}:{Gateway.Tenant}/{name}", $",\"name\":\"{name}\"");
        var ack = await Gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"{{subject}}","payload":{"target":{"provider":"{{Provider}}"}{{named}}{{members}} } }""", waitSeconds: 60);
        if (ack.GetProperty("run").Text("state") != "exited")
        {
            throw new InvalidOperationException($"{intent} did not end well: {ack}");
        }
    }

    /// <summary>What something costs, in words: calls to the engine, commits of the ledger, processor time of the gateway. How busy the machine is matters little to these.</summary>
    /// <param name="what">One of what, for example "command".</param>
    /// <param name="times">How many of them are done.</param>
    /// <param name="act">Does them.</param>
    public async Task<string> CountAsync(string what, int times, Func<Task> act)
    {
        async Task<(double Calls, double Waited, double Commits, double Committing, double Seconds, double Compiled)> NowAsync() => (
            await Gateway.SumAsync("logline_adapter_call_duration_seconds_count"), await Gateway.SumAsync("logline_adapter_call_duration_seconds_sum"), await Gateway.SumAsync("logline_ledger_commit_duration_seconds_count"), await Gateway.SumAsync("logline_ledger_commit_duration_seconds_sum"), await Gateway.SumAsync("dotnet_process_cpu_time_seconds_total"), await CompiledAsync());
        var before = await NowAsync();
        await act();
        var after = await NowAsync();
        return $"{(after.Calls - before.Calls) / times:0.0} calls to the engine ({(after.Waited - before.Waited) * 1000 / times:0.0} ms) and {(after.Commits - before.Commits) / times:0.0} commits ({(after.Committing - before.Committing) * 1000 / times:0.0} ms) per {what}; {(after.Seconds - before.Seconds) * 1000 / times:0.0} ms of the gateway's processor time, {(after.Compiled - before.Compiled) / times:0.0} ms of it its runtime's compiler";
    }

    /// <summary>Milliseconds that the gateway's runtime has compiled for so far.</summary>
    private async Task<double> CompiledAsync() => await Gateway.SumAsync("dotnet_jit_compilation_time_seconds_total") * 1000;

    /// <summary>
    /// Milliseconds that something takes, begun after a pause of chance, of up to one tick of the kernel: that takes processes, mounts and networks apart in such steps, so that what begins right after such a call would meet a step at its
    /// beginning, each time.
    /// </summary>
    public static async Task<double> TimeAtChanceAsync(Func<Task> act)
    {
        await Task.Delay(Random.Shared.Next(TickMs + 1));
        return await TimeAsync(act);
    }

    /// <summary>Milliseconds that something takes.</summary>
    public static async Task<double> TimeAsync(Func<Task> act)
    {
        var started = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.RemoveIfThereAsync(Container);
        Engine.Dispose();
        await Gateway.DisposeAsync();
    }
}
