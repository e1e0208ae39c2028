using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// One run of a compiled schema over one instance. With nowhere to put errors it stops at the first fault and allocates nothing;
/// with errors it goes on and reports them all. Both are the same code, so they cannot disagree.
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
        var kind = element.ValueKind;
        if (depth >= SchemaLimits.Depth && kind is JsonValueKind.Object or JsonValueKind.Array)
            return Stop($"nested deeper than {SchemaLimits.Depth}");
        depth++;
        bool valid;
        if (kind == JsonValueKind.String)
        {
            using var text = JsonText.Of(element);
            valid = Evaluate(node, new Instance(text.Utf8), ref marks);
        }
        else
        {
            valid = Evaluate(node, new Instance(element, kind), ref marks);
        }
        depth--;
        return valid;
    }

    private bool Evaluate(SchemaNode node, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        if (!TakeStep())
            return false;
        if (frames >= SchemaLimits.Frames)
            return Stop($"more than {SchemaLimits.Frames} schemas applied inside one another");
        frames++;
        var valid = AsksForUnevaluated(node, instance.Kind)
            ? EvaluateTracked(node, instance, ref marks)
            : EvaluateRules(node, instance, ref marks);
        frames--;
        return valid;
    }

    private bool EvaluateRules(SchemaNode node, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        // A value of the wrong type or not among those listed is wrong as a whole: further complaints would be noise.
        if (node.IsFalse)
            return Fail(node, "false", instance);
        if (node.Type is { } type && !HasType(type, instance))
            return Fail(node, "type", instance);
        if (node.Const is { } constant && !constant.Contains(instance))
            return Fail(node, "const", instance);
        if (node.Enum is { } values && !values.Contains(instance))
            return Fail(node, "enum", instance);

        var valid = true;
        switch (instance.Kind)
        {
            case JsonValueKind.String when node.Text is not null:
                valid = EvaluateText(node, node.Text, instance);
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

    private static bool HasType(TypeRule type, scoped in Instance instance) =>
        (type.Kinds >> (int)instance.Kind & 1) != 0
        && (!type.IntegersOnly || instance.Kind != JsonValueKind.Number || JsonNumber.IsIntegerText(instance.Element));

    private bool EvaluateText(SchemaNode node, TextRules rules, scoped in Instance instance)
    {
        var text = instance.Text;
        var valid = true;
        // Bytes bound code points from above, a quarter of them from below; mostly that is enough and nothing is counted.
        if (text.Length > rules.MaxLength && JsonText.CountCodePoints(text) > rules.MaxLength)
            valid = Fail(node, "maxLength", instance);
        if (rules.MinLength > 0 && (text.Length + 3L) / 4 < rules.MinLength && JsonText.CountCodePoints(text) < rules.MinLength)
            valid = Fail(node, "minLength", instance);
        if (!valid && errors is null)
            return false;
        if (rules.Pattern is { } pattern && !pattern.IsMatch(text))
            valid = Fail(node, "pattern", instance);
        if ((valid || errors is not null) && rules.Format is { } format && !format.IsMatch(text))
            valid = Fail(node, "format", instance);
        return valid;
    }

    private bool EvaluateNumber(SchemaNode node, NumberRules rules, scoped in Instance instance)
    {
        var raw = JsonMarshal.GetRawUtf8Value(instance.Element);
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
        errors?.Add(SchemaMessages.Describe(errors.Path, node, keyword, instance));
        return false;
    }

    private bool TakeStep() => --stepsLeft >= 0 || Stop($"takes more than {SchemaLimits.Steps} steps to judge");

    private bool Stop(string reason)
    {
        limit ??= reason;
        stepsLeft = 0;
        return false;
    }
}
