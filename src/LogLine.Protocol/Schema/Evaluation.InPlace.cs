using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>Schemas applied to the same value, and the unevaluated keywords that ask what all of them have looked at.</summary>
internal partial struct Evaluation
{
    private bool EvaluateInPlace(SchemaNode node, InPlaceRules rules, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var valid = true;
        foreach (var schema in rules.All)
        {
            valid &= EvaluateConjunct(schema, instance, ref marks);
            if (!valid && errors is null)
                return false;
        }
        if (rules.AnyOf is not null)
            valid &= EvaluateAnyOf(rules.AnyOf, instance, ref marks);
        if (rules.OneOf is not null && (valid || errors is not null))
            valid &= EvaluateOneOf(node, rules.OneOf, instance, ref marks);
        if (rules.Not is not null && (valid || errors is not null))
            valid &= EvaluateNot(node, rules.Not, instance, marks);
        if (rules.If is not null && (valid || errors is not null))
            valid &= EvaluateCondition(rules, instance, ref marks);
        return valid;
    }

    /// <summary>A schema that must hold too; what it looked at counts when it does.</summary>
    private bool EvaluateConjunct(SchemaNode schema, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        if (!marks.Active)
            return Evaluate(schema, instance, ref marks);
        var own = marks.Fresh();
        var valid = Evaluate(schema, instance, ref own);
        // While errors are gathered the marks of a failed schema count as well: its members are wrong, not unknown.
        if (valid || errors is not null)
            marks.Merge(own);
        own.Return();
        return valid;
    }

    /// <summary>A schema that may fail; what it looked at counts only when it holds.</summary>
    private bool EvaluateBranch(SchemaNode schema, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        if (!marks.Active)
            return Evaluate(schema, instance, ref marks);
        var own = marks.Fresh();
        var valid = Evaluate(schema, instance, ref own);
        if (valid)
            marks.Merge(own);
        own.Return();
        return valid;
    }

    private bool EvaluateAnyOf(SchemaNode[] schemas, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var valid = false;
        var failures = errors is null ? null : new List<List<SchemaError>>();
        foreach (var schema in schemas)
        {
            valid |= EvaluateAlternative(schema, instance, ref marks, failures);
            if (valid && !marks.Active)
                return true;
        }
        if (!valid)
            errors?.AddAlternatives("anyOf", failures!);
        return valid;
    }

    private bool EvaluateOneOf(SchemaNode node, SchemaNode[] schemas, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var matches = 0;
        var failures = errors is null ? null : new List<List<SchemaError>>();
        foreach (var schema in schemas)
        {
            matches += EvaluateAlternative(schema, instance, ref marks, failures) ? 1 : 0;
            if (matches > 1)
                return Fail(node, "oneOf", instance);
        }
        if (matches == 0)
            errors?.AddAlternatives("oneOf", failures!);
        return matches == 1;
    }

    private bool EvaluateAlternative(SchemaNode schema, scoped in Instance instance, scoped ref EvaluatedMarks marks, List<List<SchemaError>>? failures)
    {
        var outer = errors?.Open();
        var valid = EvaluateBranch(schema, instance, ref marks);
        if (outer is not null && errors!.Close(outer) is var found && !valid)
            failures!.Add(found);
        return valid;
    }

    private bool EvaluateNot(SchemaNode node, SchemaNode schema, scoped in Instance instance, scoped in EvaluatedMarks marks)
    {
        var ignored = marks.Fresh();
        var valid = !EvaluateSilently(schema, instance, ref ignored);
        ignored.Return();
        return valid || Fail(node, "not", instance);
    }

    private bool EvaluateCondition(InPlaceRules rules, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var chosen = EvaluateSilently(rules.If!, instance, ref marks) ? rules.Then : rules.Else;
        return chosen is null || EvaluateConjunct(chosen, instance, ref marks);
    }

    private bool EvaluateSilently(SchemaNode schema, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var report = errors;
        errors = null;
        var valid = EvaluateBranch(schema, instance, ref marks);
        errors = report;
        return valid;
    }

    private static bool AsksForUnevaluated(SchemaNode node, JsonValueKind kind) =>
        (kind == JsonValueKind.Object && node.Object?.Unevaluated is not null) || (kind == JsonValueKind.Array && node.Array?.Unevaluated is not null);

    private bool EvaluateTracked(SchemaNode node, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var isObject = instance.Kind == JsonValueKind.Object;
        var count = isObject ? instance.Element.GetPropertyCount() : instance.Element.GetArrayLength();
        if (!TakeSteps(count))
            return false;
        var own = EvaluatedMarks.For(count);
        var valid = EvaluateRules(node, instance, ref own);
        if ((valid || errors is not null) && !own.All)
            valid &= isObject ? EvaluateUnevaluatedMembers(node.Object!.Unevaluated!, instance, own) : EvaluateUnevaluatedItems(node.Array!.Unevaluated!, instance, own);
        own.Return();
        marks.MarkAll();
        return valid;
    }

    private bool EvaluateUnevaluatedMembers(SchemaNode schema, scoped in Instance instance, scoped in EvaluatedMarks marks)
    {
        var valid = true;
        var index = 0;
        foreach (var member in instance.Element.EnumerateObject())
        {
            if (marks.Has(index++))
                continue;
            using var name = JsonText.OfName(member);
            valid &= schema.IsFalse ? FailUnknown("unevaluatedProperties", name.Utf8, null) : EvaluateMemberValue(schema, name.Utf8, member.Value);
            if (!valid && (errors is null || limit is not null))
                return false;
        }
        return valid;
    }

    private bool EvaluateUnevaluatedItems(SchemaNode schema, scoped in Instance instance, scoped in EvaluatedMarks marks)
    {
        var valid = true;
        var index = 0;
        foreach (var item in instance.Element.EnumerateArray())
        {
            if (!marks.Has(index))
                valid &= EvaluateItem(schema, item, index, "unevaluatedItems");
            if (!valid && (errors is null || limit is not null))
                return false;
            index++;
        }
        return valid;
    }
}
