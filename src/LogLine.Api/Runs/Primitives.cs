using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Artifacts;
using LogLine.Api.Secrets;

namespace LogLine.Api.Runs;

/// <summary>
/// What a target can do besides running workloads: one entry per <c>x-logline.effect</c> that it carries out. A target that has no such thing
/// (a platform without exec, say) has no entry, and the gate refuses the intent for it.
/// </summary>
public interface IContainerPrimitives
{
    /// <summary>By effect, for example <c>container.exec</c>.</summary>
    IReadOnlyDictionary<string, Primitive> Primitives { get; }

    /// <summary>By the effect that makes something: takes away again what a run has made.</summary>
    IReadOnlyDictionary<string, Unmaking> Unmakings => FrozenDictionary<string, Unmaking>.Empty;

    /// <summary>The last lines that a container said, those that contain <paramref name="grep"/> when it is given.</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task<LogTail> ReadLogAsync(string workloadId, int maxLines, int maxBytes, string? grep, CancellationToken cancel);

    /// <summary>Puts what a container says into a ring while it comes, the last <paramref name="tail"/> lines that the ring shows first, and ends the ring when the container has ended.</summary>
    /// <exception cref="AdapterException">The target refused or is absent.</exception>
    Task FollowLogAsync(string workloadId, int tail, LogRing ring, CancellationToken cancel);
}

/// <summary>Carries out one primitive and answers with what it produced.</summary>
/// <exception cref="AdapterException">The target refused or is absent.</exception>
public delegate Task<PrimitiveResult> Primitive(PrimitiveCall call, CancellationToken cancel);

/// <summary>Takes away what the run of a call has made, in whatever state it is by now, and nothing that another run made. False when there is nothing of the kind.</summary>
/// <exception cref="AdapterException">The target refused or is absent.</exception>
public delegate Task<bool> Unmaking(PrimitiveCall call, CancellationToken cancel);

/// <summary>One call of a primitive. Its arguments have passed the intent's schema and <see cref="PrimitiveArguments"/>.</summary>
public sealed record PrimitiveCall
{
    /// <summary>The run that carries it out; label of what it creates.</summary>
    public required string RunId { get; init; }

    /// <summary>The tenant; another tenant's things do not exist for the call.</summary>
    public required string Tenant { get; init; }

    /// <summary>The name in the payload, without the tenant; empty where the intent names nothing.</summary>
    public required string Name { get; init; }

    /// <summary>The container of that name, as it was judged right before the call; null when there is none, or when nothing was judged.</summary>
    public Workload? Workload { get; init; }

    /// <summary>The payload.</summary>
    public required JsonElement Arguments { get; init; }

    /// <summary>Variables of the container that hold secrets: they do not go into an image that is made of it.</summary>
    public IReadOnlyList<string> SecretVariables { get; init; } = [];

    /// <summary>What must not stand in what the container says. The result as a whole is masked anyway; this is for what is cut, where a part of a secret would stand.</summary>
    public SecretMask Mask { get; init; } = SecretMask.None;

    /// <summary>To be called right before a container, network or volume is made: from then on it may be there, whatever the answer, or none.</summary>
    public Action Making { get; init; } = () => { };

    /// <summary>
    /// To be awaited right before something begins that takes its time and must not be done twice (a command): the run is <c>running</c> from
    /// then on, and a worker that takes it over will not begin it again.
    /// </summary>
    public required Func<Task> Begun { get; init; }

    /// <summary>
    /// Ends with the worker, and not when a client wants the run to end: for what an engine does in one step, or in steps of which the first alone would be half of it. Broken off, nobody would know whether it was done.
    /// </summary>
    public CancellationToken Unbroken { get; init; }

    /// <summary>
    /// To be awaited before anything is done to a container that the run is not about, and disposed afterwards: the turn of the container of that name, which every operation on it takes. Null when one of them did not
    /// come to its end for as long as is waited for.
    /// </summary>
    public Func<string, CancellationToken, Task<IDisposable?>> TurnOf { get; init; } = (_, _) => Task.FromResult<IDisposable?>(null);

    /// <summary>The tenant's artifacts.</summary>
    public required RunArtifacts Artifacts { get; init; }

    /// <summary>Whether a session or task of that name has been ended (<c>session.end</c>, <c>task.end</c>): kind, then name.</summary>
    public required Func<string, string, ValueTask<bool>> HasEnded { get; init; }

    /// <summary>Sees what a command says while it says it: where from (1 or 2), and a piece, which is the caller's again afterwards.</summary>
    public Action<int, ReadOnlyMemory<byte>> Said { get; init; } = (_, _) => { };

    /// <summary>Says how far it is; may be called as often as something moves, what comes too fast is left out.</summary>
    public required Func<RunProgress, Task> Progress { get; init; }
}

/// <summary>How far a primitive is: the payload of <c>run.progress</c>. Numbers alone: words of registries and builds are no matter for the ledger.</summary>
/// <param name="Done">So many of them are done.</param>
/// <param name="Total">Of so many, as far as is known by now.</param>
/// <param name="Unit"><c>bytes</c> or <c>steps</c>.</param>
public sealed record RunProgress(long Done, long? Total, string Unit);

/// <summary>What a primitive produced: the <c>result</c> of its run, an object of at most <see cref="MaxBytes"/> as JSON.</summary>
/// <param name="Body">The object.</param>
/// <param name="ExitCode">Exit code of the run; of a command, the command's own.</param>
public sealed record PrimitiveResult(JsonElement Body, int ExitCode = 0)
{
    /// <summary>The largest result. Lists and outputs are cut before, and say so with <c>truncated</c>.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>A result of a known shape.</summary>
    public static PrimitiveResult Of<T>(T value, JsonTypeInfo<T> type, int exitCode = 0) => new(JsonSerializer.SerializeToElement(value, type), exitCode);

    /// <summary>A list that keeps as many items as fit.</summary>
    /// <param name="items">All items.</param>
    /// <param name="wrap">From the items that fit, and whether some did not, to the result.</param>
    /// <param name="item">Shape of an item.</param>
    /// <param name="type">Shape of the result.</param>
    public static PrimitiveResult OfList<TItem, T>(IEnumerable<TItem> items, Func<IReadOnlyList<TItem>, bool, T> wrap, JsonTypeInfo<TItem> item, JsonTypeInfo<T> type)
    {
        const int Envelope = 1024;
        var (kept, bytes, truncated) = (new List<TItem>(), Envelope, false);
        foreach (var one in items)
        {
            bytes += JsonSerializer.SerializeToUtf8Bytes(one, item).Length + 1;
            if (bytes > MaxBytes)
            {
                truncated = true;
                break;
            }
            kept.Add(one);
        }
        return Of(wrap(kept, truncated), type);
    }
}
