using LogLine.Benchmarks.Reports;
using LogLine.Fuzz.Targets;

namespace LogLine.Fuzz.Campaigns;

/// <summary>The inputs of one target: made, run, timed, and kept when they bring something new. The seed alone decides what they are.</summary>
internal sealed class TargetCourse : IDisposable
{
    /// <summary>Processor time that one input may cost, in nanoseconds.</summary>
    public const long MaxNanoseconds = 50_000_000;

    private const int MaxCorpus = 4_096;
    private const int MaxKinds = 100_000;
    private const int Slowest = 10;
    private const int Renewal = 20_000;
    private readonly IFuzzTarget _target;
    private readonly Finds _finds;
    private readonly Random _random;
    private readonly List<byte[]> _corpus;
    private readonly HashSet<string> _kinds = [];
    private readonly PriorityQueue<SlowInput, long> _slowest = new();

    /// <summary>A course of inputs against a target, which it disposes.</summary>
    public TargetCourse(string name, IFuzzTarget target, int seed, Finds finds)
    {
        (Name, _finds, _target) = (name, finds, target);
        _random = new Random(HashCode(seed, name));
        _corpus = [.. _target.Seeds];
    }

    public string Name { get; }

    /// <summary>Inputs run so far.</summary>
    public long Inputs { get; private set; }

    /// <summary>Processor time of all inputs, in nanoseconds.</summary>
    public long Nanoseconds { get; private set; }

    /// <summary>Inputs that mutation begins with.</summary>
    public int Corpus => _corpus.Count;

    /// <summary>How many answers there were, by the first word of their kind.</summary>
    public SortedDictionary<string, long> Answers { get; } = new(StringComparer.Ordinal);

    /// <summary>The inputs that cost most, the worst first.</summary>
    public IReadOnlyList<SlowInput> MostCostly => [.. _slowest.UnorderedItems.Select(item => item.Element).OrderByDescending(slow => slow.Nanoseconds)];

    /// <summary>Makes an input and runs it: at first the seeds as they are, then changed ones.</summary>
    public void Step()
    {
        if (Inputs > 0 && Inputs % Renewal == 0)
        {
            _target.Renew();
        }
        var input = Inputs < _target.Seeds.Count ? _corpus[(int)Inputs] : _target.Mutate(Pick(), Pick(), _random);
        Inputs++;
        var (kind, cost) = Timed(input);
        Nanoseconds += cost;
        var word = kind.Split(' ')[0];
        Answers[word] = Answers.GetValueOrDefault(word) + 1;
        if (_kinds.Count < MaxKinds && _kinds.Add(kind))
        {
            Keep(input);
        }
        if (_slowest.Count < Slowest || cost > _slowest.Peek().Nanoseconds)
        {
            Remember(input, kind);
        }
        if (cost > MaxNanoseconds)
        {
            Suspect(input, kind);
        }
    }

    // Half of the time a valid one: what is mutated again and again drifts away from what gets far.
    private byte[] Pick() => _corpus[_random.Next(4) switch
    {
        0 or 1 => _random.Next(_target.Seeds.Count),
        2 => _random.Next(_corpus.Count),
        _ => Math.Max(0, _corpus.Count - 1 - _random.Next(64)),
    }];

    private void Keep(byte[] input)
    {
        if (_corpus.Count < MaxCorpus)
        {
            _corpus.Add(input);
        }
        else
        {
            _corpus[_target.Seeds.Count + _random.Next(MaxCorpus - _target.Seeds.Count)] = input;
        }
    }

    private (string Kind, long Cost) Timed(byte[] input)
    {
        var started = ThreadClock.Nanoseconds;
        string kind;
        try
        {
            kind = _target.Run(input);
        }
        catch (Exception defect)
        {
            kind = "FOUND " + defect.GetType().Name;
            _finds.Add(this, Inputs, input, defect.ToString());
        }
        return (kind, ThreadClock.Nanoseconds - started);
    }

    // A collection of garbage, or the compiler, may have fallen into the first measurement: the least of several is the input's own.
    private void Remember(byte[] input, string kind)
    {
        if (kind is "aborted" || kind.StartsWith("FOUND", StringComparison.Ordinal))
        {
            return;
        }
        if (_slowest.Count < Slowest)
        {
            var first = InputCost.Least(_target, input, renew: false);
            _slowest.Enqueue(new SlowInput(first, kind, input), first);
        }
        else if (InputCost.Again(_target, input) > _slowest.Peek().Nanoseconds && InputCost.Least(_target, input, renew: false) is var cost && cost > _slowest.Peek().Nanoseconds)
        {
            _slowest.EnqueueDequeue(new SlowInput(cost, kind, input), cost);
        }
    }

    private void Suspect(byte[] input, string kind)
    {
        var cost = InputCost.Least(_target, input, renew: true);
        if (cost > MaxNanoseconds)
        {
            _finds.Add(this, Inputs, input, $"It costs {cost / 1e6:0.0} ms of processor time, the least of {InputCost.Times} runs alone; the answer is {kind}.");
        }
    }

    // The runtime's own hash of strings differs from process to process.
    private static int HashCode(int seed, string name) => name.Aggregate(seed, (hash, c) => unchecked(hash * 31 + c));

    public void Dispose() => _target.Dispose();
}

/// <summary>An input that cost much, and what came of it.</summary>
internal sealed record SlowInput(long Nanoseconds, string Kind, byte[] Input);
