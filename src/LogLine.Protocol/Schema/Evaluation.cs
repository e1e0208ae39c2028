using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// One run of a compiled schema over one instance. With nowhere to put errors it stops at the first fault and allocates nothing;
/// with errors it goes on and reports them all. Both are the same code, but for plain objects and bare patterns that nobody is told of, which have a short way;
/// the tests hold every instance against both.
/// </summary>
internal partial struct Evaluation(SchemaErrors? errors)
{
    private SchemaErrors? errors = errors;
    private int stepsLeft = SchemaLimits.Steps;
    private int depth;
    private int frames;

    // A limit was met. It must not be turned into success by a "not" further up, so it is kept beside the answers.
    private string? limit;

    public bool Run(SchemaNode root, JsonElement instance)
    {
        if (instance.ValueKind == JsonValueKind.Undefined)
        {
            errors?.Add("type", $"{errors.Field} must be there, found no value");
            return false;
        }
        var report = errors;
        var none = default(EvaluatedMarks);
        var valid = EvaluateElement(root, instance, ref none);
        if (limit is null)
            return valid;
        report?.AddLimit(limit);
        return false;
    }

    /// <summary>A value at its own place in the instance: the root, a member, an element.</summary>
    private bool EvaluateElement(SchemaNode node, JsonElement element, ref EvaluatedMarks marks)
    {
        if (node.IsTrue)
            return true;
        // The first byte tells a string from the rest; asking for the kind first would read the same row of the document twice.
        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (raw[0] == '"')
        {
            var content = raw[1..^1];
            if (errors is null && (node.Matcher is { } matcher ? matcher.IsMatch(content) : node.ExcludesBackslash && node.InPlace is null && node.AcceptsText(content)))
                return true;
            return content.IndexOf((byte)'\\') < 0 ? EvaluateText(node, content, ref marks) : EvaluateEscapedText(node, element, ref marks);
        }
        return EvaluateOther(node, element, raw, ref marks);
    }

    // Kept out of the way of strings: what is inlined there makes every frame larger.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool EvaluateOther(SchemaNode node, JsonElement element, scoped ReadOnlySpan<byte> raw, ref EvaluatedMarks marks)
    {
        var instance = new Instance(element, raw);
        if (instance.Kind is not (JsonValueKind.Object or JsonValueKind.Array))
            return Evaluate(node, in instance, ref marks);
        if (depth >= SchemaLimits.Depth)
            return Stop($"nested deeper than {SchemaLimits.Depth}");
        depth++;
        var valid = node.PlainObject is { } members && errors is null && instance.Kind == JsonValueKind.Object
            ? EvaluatePlainObject(members, element)
            : Evaluate(node, in instance, ref marks);
        depth--;
        return valid;
    }

    // Apart from the common case, which so needs no try and finally.
    private bool EvaluateEscapedText(SchemaNode node, JsonElement element, ref EvaluatedMarks marks)
    {
        using var text = JsonText.Of(element);
        return EvaluateText(node, text.Utf8, ref marks);
    }

    /// <summary>A string or a member name.</summary>
    private bool EvaluateText(SchemaNode node, scoped ReadOnlySpan<byte> text, ref EvaluatedMarks marks)
    {
        // Most values are strings with rules of their own and nothing else: no more is set up for them than they need.
        if (errors is null && node.InPlace is null)
            return TakeStep() && node.AcceptsText(text);
        return Evaluate(node, new Instance(text), ref marks);
    }

    private bool Evaluate(SchemaNode node, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        // With as many errors as will be listed the verdict is known, here and in every alternative around.
        if (!TakeStep() || errors is { HasRoom: false })
            return false;
        if (frames >= SchemaLimits.Frames)
            return Stop($"more than {SchemaLimits.Frames} schemas applied inside one another");
        frames++;
        var valid = node.AsksForUnevaluated && AsksForUnevaluated(node, instance.Kind)
            ? EvaluateTracked(node, instance, ref marks)
            : EvaluateRules(node, instance, ref marks);
        frames--;
        return valid;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool EvaluateRules(SchemaNode node, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        // A value of the wrong type or not among those listed is wrong as a whole: further complaints would be noise.
        if (node.IsFalse)
            return Fail(node, "false", instance);
        if ((node.Kinds >> (int)instance.Kind & 1) == 0 || (instance.Kind == JsonValueKind.Number && !IsNumberOfType(node, instance)))
            return Fail(node, "type", instance);
        if (node.Const is { } constant && !constant.Contains(instance))
            return Fail(node, "const", instance);
        if (node.Enum is { } values && !values.Contains(instance))
            return Fail(node, "enum", instance);

        var valid = true;
        switch (instance.Kind)
        {
            case JsonValueKind.String when node.Text is not null:
                valid = ReportText(node, node.Text, instance);
                break;
            case JsonValueKind.Number when node.Number is not null:
                valid = EvaluateNumber(node, node.Number, instance);
                break;
            case JsonValueKind.Object when node.Object is not null:
                valid = EvaluateObject(node, node.Object, instance, ref marks);
                break;
            case JsonValueKind.Array when node.Array is not null:
                valid = EvaluateArray(node, node.Array, instance, ref marks);
                break;
        }
        if ((valid || errors is not null) && node.InPlace is { } rules)
            valid &= EvaluateInPlace(node, rules, instance, ref marks);
        return valid;
    }

    private static bool IsNumberOfType(SchemaNode node, scoped in Instance instance) =>
        node.Type is not { IntegersOnly: true } || JsonNumber.IsIntegerText(instance.Text);

    private bool ReportText(SchemaNode node, TextRules rules, scoped in Instance instance)
    {
        var valid = true;
        if (rules.IsTooLong(instance.Text))
            valid = Fail(node, "maxLength", instance);
        if (rules.IsTooShort(instance.Text))
            valid = Fail(node, "minLength", instance);
        if (rules.Pattern is { } pattern && !pattern.IsMatch(instance.Text))
            valid = Fail(node, "pattern", instance);
        if (rules.Format is { } format && !format.IsMatch(instance.Text))
            valid = Fail(node, "format", instance);
        return valid;
    }

    private bool EvaluateNumber(SchemaNode node, NumberRules rules, scoped in Instance instance)
    {
        var raw = instance.Text;
        var valid = true;
        if (rules.Minimum is { } minimum && minimum.Compare(raw) < 0)
            valid = Fail(node, "minimum", instance);
        if (rules.Maximum is { } maximum && maximum.Compare(raw) > 0)
            valid = Fail(node, "maximum", instance);
        if (rules.ExclusiveMinimum is { } above && above.Compare(raw) <= 0)
            valid = Fail(node, "exclusiveMinimum", instance);
        if (rules.ExclusiveMaximum is { } below && below.Compare(raw) >= 0)
            valid = Fail(node, "exclusiveMaximum", instance);
        if (rules.MultipleOf is not null && !JsonNumber.Parse(raw).IsMultipleOf(rules.Divisor))
            valid = Fail(node, "multipleOf", instance);
        return valid;
    }

    private bool Fail(SchemaNode node, string keyword, scoped in Instance instance)
    {
        if (errors is { HasRoom: true })
            errors.Add(SchemaMessages.Describe(errors.Path, node, keyword, instance));
        return false;
    }

    private bool TakeStep() => TakeSteps(1);

    private bool TakeSteps(int count) => (stepsLeft -= count) >= 0 || Stop($"takes more than {SchemaLimits.Steps} steps to judge");

    private bool Stop(string reason)
    {
        limit ??= reason;
        stepsLeft = 0;
        return false;
    }
}
