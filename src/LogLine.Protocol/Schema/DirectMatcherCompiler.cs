using System.Text;

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
        return steps is null ? null : new DirectMatcher([.. steps], anchored);
    }

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
        var literal = new StringBuilder();
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is RegexNode.One { Set.Single: >= 0 and var codePoint })
            {
                literal.Append(new Rune(codePoint).ToString());
                continue;
            }
            FlushLiteral(literal, steps);
            if (Compile(items[i], FollowOf(items, i, follow)) is not { } step)
                return null;
            steps.Add(step);
        }
        FlushLiteral(literal, steps);
        return steps;
    }

    private static void FlushLiteral(StringBuilder literal, List<DirectMatcher.Step> steps)
    {
        if (literal.Length == 0)
            return;
        steps.Add(new DirectMatcher.LiteralStep(Encoding.UTF8.GetBytes(literal.ToString())));
        literal.Clear();
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

    private static CodePointSet FollowOf(IReadOnlyList<RegexNode> items, int index, CodePointSet follow)
    {
        var set = CodePointSet.Empty;
        for (var i = index + 1; i < items.Count; i++)
        {
            set = set.Union(First(items[i]));
            if (!IsNullable(items[i]))
                return set;
        }
        return set.Union(follow);
    }

    private static CodePointSet First(RegexNode node) => node switch
    {
        RegexNode.One one => one.Set,
        RegexNode.Sequence sequence => sequence.Items.Count == 0 ? CodePointSet.Empty : First(sequence.Items[0]).Union(
            IsNullable(sequence.Items[0]) ? FollowOf(sequence.Items, 0, CodePointSet.Empty) : CodePointSet.Empty),
        RegexNode.Choice choice => choice.Items.Aggregate(CodePointSet.Empty, (set, item) => set.Union(First(item))),
        RegexNode.Repeat repeat => repeat.Max == 0 ? CodePointSet.Empty : First(repeat.Item),
        _ => CodePointSet.Empty,
    };

    private static bool IsNullable(RegexNode node) => node switch
    {
        RegexNode.One => false,
        RegexNode.Sequence sequence => sequence.Items.All(IsNullable),
        RegexNode.Choice choice => choice.Items.Any(IsNullable),
        RegexNode.Repeat repeat => repeat.Min == 0 || IsNullable(repeat.Item),
        _ => true,
    };
}
