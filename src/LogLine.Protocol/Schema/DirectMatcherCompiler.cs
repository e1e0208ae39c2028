namespace LogLine.Protocol.Schema;

/// <summary>
/// Compiles an expression for <see cref="DirectMatcher"/> where it is deterministic with one code point of foresight: wherever the
/// matcher may either go on with something or leave it, the two begin with different code points (first and follow sets, as in a
/// predictive parser). Then the longest run is the only possible one and greed is never wrong.
/// </summary>
internal static class DirectMatcherCompiler
{
    public static DirectMatcher? TryCompile(RegexNode node)
    {
        var items = node is RegexNode.Sequence sequence ? [.. sequence.Items] : new List<RegexNode> { node };
        if (items is not [RegexNode.Anchor { AtEnd: false }, ..])
            return null;
        items.RemoveAt(0);
        var anchored = items is [.., RegexNode.Anchor { AtEnd: true }];
        if (anchored)
            items.RemoveAt(items.Count - 1);
        else
            LeaveOutOptionalEnd(items);
        var steps = CompileAll(items, anchored ? CodePointSet.Empty : CodePointSet.Everything);
        return steps is null ? null : new DirectMatcher([.. steps], anchored, anchored && items.TrueForAll(ExcludesBackslash));
    }

    private static bool ExcludesBackslash(RegexNode node) => node switch
    {
        RegexNode.One one => !one.Set.Contains('\\'),
        RegexNode.Sequence sequence => sequence.Items.All(ExcludesBackslash),
        RegexNode.Choice choice => choice.Items.All(ExcludesBackslash),
        RegexNode.Repeat repeat => ExcludesBackslash(repeat.Item),
        _ => true,
    };

    // Without an anchor at the end nothing need be read beyond what is required.
    private static void LeaveOutOptionalEnd(List<RegexNode> items)
    {
        while (items is [.., RegexNode.Repeat last])
        {
            items.RemoveAt(items.Count - 1);
            if (last.Min == 0)
                continue;
            items.Add(last with { Max = last.Min });
            return;
        }
    }

    private static List<DirectMatcher.Step>? CompileAll(IReadOnlyList<RegexNode> items, CodePointSet follow)
    {
        var steps = new List<DirectMatcher.Step>();
        var stretch = new FixedStretch();
        var follows = FollowSets(items, follow);
        for (var i = 0; i < items.Count; i++)
        {
            if (stretch.TryAdd(items[i]))
                continue;
            stretch.Flush(steps);
            if (stretch.TryAdd(items[i]))
                continue;
            if (Compile(items[i], follows[i]) is not { } step)
                return null;
            steps.Add(step);
        }
        stretch.Flush(steps);
        return steps;
    }

    private static DirectMatcher.Step? Compile(RegexNode node, CodePointSet follow)
    {
        switch (node)
        {
            case RegexNode.One one:
                return new DirectMatcher.RunStep(one.Set, 1, 1);
            case RegexNode.Repeat { Item: RegexNode.One one } repeat:
                return repeat.Min < repeat.Max && one.Set.Overlaps(follow) ? null : new DirectMatcher.RunStep(one.Set, repeat.Min, repeat.Max);
            case RegexNode.Repeat repeat:
                return CompileGroup(repeat.Item, repeat.Min, repeat.Max, follow);
            case RegexNode.Sequence or RegexNode.Choice:
                return CompileGroup(node, 1, 1, follow);
            default:
                return null;
        }
    }

    private static DirectMatcher.GroupStep? CompileGroup(RegexNode item, int min, int max, CodePointSet follow)
    {
        var all = First(item);
        if (IsNullable(item))
            min = 0;
        if (min < max && all.Overlaps(follow))
            return null;
        var inner = max > 1 ? follow.Union(all) : follow;
        var choices = item is RegexNode.Choice choice ? choice.Items : [item];
        var branches = new List<(CodePointSet, DirectMatcher.Step[])>();
        var taken = CodePointSet.Empty;
        foreach (var branch in choices)
        {
            var first = First(branch);
            var items = branch is RegexNode.Sequence sequence ? sequence.Items : [branch];
            if (first.Overlaps(taken) || CompileAll(items, inner) is not { } steps)
                return null;
            taken = taken.Union(first);
            branches.Add((first, [.. steps]));
        }
        return new([.. branches], min, max);
    }

    // What may come after each item. From right to left, so that a long row of optional items costs no more than its length.
    private static CodePointSet[] FollowSets(IReadOnlyList<RegexNode> items, CodePointSet follow)
    {
        var sets = new CodePointSet[items.Count];
        for (var i = items.Count - 1; i >= 0; i--)
        {
            sets[i] = follow;
            follow = IsNullable(items[i]) ? First(items[i]).Union(follow) : First(items[i]);
        }
        return sets;
    }

    private static CodePointSet First(RegexNode node) => node switch
    {
        RegexNode.One one => one.Set,
        RegexNode.Sequence sequence => FirstOf(sequence.Items),
        RegexNode.Choice choice => choice.Items.Aggregate(CodePointSet.Empty, (set, item) => set.Union(First(item))),
        RegexNode.Repeat repeat => repeat.Max == 0 ? CodePointSet.Empty : First(repeat.Item),
        _ => CodePointSet.Empty,
    };

    private static CodePointSet FirstOf(IReadOnlyList<RegexNode> items)
    {
        var set = CodePointSet.Empty;
        foreach (var item in items)
        {
            set = set.Union(First(item));
            if (!IsNullable(item))
                break;
        }
        return set;
    }

    private static bool IsNullable(RegexNode node) => node switch
    {
        RegexNode.One => false,
        RegexNode.Sequence sequence => sequence.Items.All(IsNullable),
        RegexNode.Choice choice => choice.Items.Any(IsNullable),
        RegexNode.Repeat repeat => repeat.Min == 0 || IsNullable(repeat.Item),
        _ => true,
    };

    /// <summary>Neighbours of fixed length, gathered into one step.</summary>
    private sealed class FixedStretch
    {
        // A longer run is checked faster by a vectorised search.
        private const int LongestRun = 6;

        private readonly List<CodePointSet> positions = [];
        private readonly List<CodePointSet> distinct = [];

        /// <summary>False, and nothing is added, for what has no place in this step.</summary>
        public bool TryAdd(RegexNode node)
        {
            var (set, count) = node switch
            {
                RegexNode.One one => (one.Set, 1),
                RegexNode.Repeat { Item: RegexNode.One one } repeat when repeat.Min == repeat.Max && repeat.Max <= LongestRun => (one.Set, repeat.Max),
                _ => (CodePointSet.Empty, 0),
            };
            if (set.IsEmpty || set.Ranges[^1].Last > 127)
                return false;
            var isNew = ClassOf(set) < 0;
            // A literal is compared as a whole and needs no classes.
            var isLiteral = set.Single >= 0 && positions.TrueForAll(p => p.Single >= 0);
            if (!isLiteral && distinct.Count + (isNew ? 1 : 0) > DirectMatcher.FixedStep.MaxClasses)
                return false;
            if (isNew)
                distinct.Add(set);
            positions.AddRange(Enumerable.Repeat(set, count));
            return true;
        }

        public void Flush(List<DirectMatcher.Step> steps)
        {
            if (positions.Count > 0)
                steps.Add(positions.TrueForAll(p => p.Single >= 0) ? new DirectMatcher.LiteralStep([.. positions.Select(p => (byte)p.Single)]) : Classes());
            positions.Clear();
            distinct.Clear();
        }

        private DirectMatcher.FixedStep Classes()
        {
            var classesOfByte = new byte[256];
            for (var i = 0; i < distinct.Count; i++)
            {
                foreach (var (first, last) in distinct[i].Ranges)
                {
                    for (var b = first; b <= last; b++)
                        classesOfByte[b] |= (byte)(1 << i);
                }
            }
            return new([.. positions.Select(p => (byte)(1 << ClassOf(p)))], classesOfByte);
        }

        private int ClassOf(CodePointSet set) => distinct.FindIndex(s => s.Ranges.SequenceEqual(set.Ranges));
    }
}
