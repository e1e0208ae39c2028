using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>Objects: one pass over the members, then what depends on which of them were there.</summary>
internal partial struct Evaluation
{
    private bool EvaluateObject(SchemaNode node, ObjectRules rules, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        if (rules.IsPlain && errors is null && !marks.Active)
            return EvaluatePlainObject(rules, instance.Element);
        var words = rules.RequiredBits.Length;
        ulong single = 0;
        Span<ulong> seen = words <= 1 ? new Span<ulong>(ref single) : stackalloc ulong[words];
        var valid = !rules.LooksAtMembers || EvaluateMembers(rules, instance, seen, ref marks);
        if (!valid && errors is null)
            return false;
        if (rules.CountsMembers)
            valid &= EvaluateMemberCount(node, rules, instance);
        valid &= EvaluateRequired(rules, seen);
        if (rules.HasDependencies && (valid || errors is not null))
            valid &= EvaluateDependencies(rules, instance, seen, ref marks);
        return valid;
    }

    // The short way for most objects, with nobody to tell: what else there might be is asked once and not for each member.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool EvaluatePlainObject(ObjectRules rules, JsonElement element)
    {
        var seen = 0UL;
        var decidedBy = rules.DecidedBy;
        var members = element.EnumerateObject();
        while (members.MoveNext())
        {
            if (!TakeStep())
                return false;
            var member = members.Current;
            var known = rules.Names.Find(JsonMarshal.GetRawUtf8PropertyName(member));
            if (known < 0 || rules.Properties[known] is not { } schema)
            {
                if (!EvaluateOpenMember(rules, member, ref seen))
                    return false;
                continue;
            }
            var none = default(EvaluatedMarks);
            if (!EvaluateElement(schema, member.Value, ref none))
                return false;
            seen |= 1UL << known;
            if (seen == decidedBy)
                break;
        }
        return (rules.RequiredNames & ~seen) == 0;
    }

    // A member whose name has escapes or no schema.
    private bool EvaluateOpenMember(ObjectRules rules, JsonProperty member, ref ulong seen)
    {
        using var name = JsonText.OfName(member);
        return EvaluateMember(rules, rules.Names.Find(name.Utf8), name.Utf8, member.Value, new Span<ulong>(ref seen), out _);
    }

    private bool EvaluateMembers(ObjectRules rules, scoped in Instance instance, scoped Span<ulong> seen, scoped ref EvaluatedMarks marks)
    {
        var valid = true;
        var index = 0;
        // Without foreach, whose Dispose would cost a try and finally on the way that everything takes.
        var members = instance.Element.EnumerateObject();
        while (members.MoveNext())
        {
            if (!TakeStep())
                return false;
            var member = members.Current;
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            var known = rules.Names.HoldsBackslash ? -1 : rules.Names.Find(name);
            bool looked;
            valid &= known >= 0 || (name.IndexOf((byte)'\\') < 0 && !rules.Names.HoldsBackslash)
                ? EvaluateMember(rules, known, name, member.Value, seen, out looked)
                : EvaluateUnescapedMember(rules, member, seen, out looked);
            if (!valid && errors is null)
                return false;
            if (looked && marks.Active)
                marks.Mark(index);
            index++;
        }
        return valid;
    }

    private bool EvaluateUnescapedMember(ObjectRules rules, JsonProperty member, scoped Span<ulong> seen, out bool looked)
    {
        using var name = JsonText.OfName(member);
        return EvaluateMember(rules, rules.Names.Find(name.Utf8), name.Utf8, member.Value, seen, out looked);
    }

    // "looked": whether properties, patternProperties or additionalProperties applied to it.
    private bool EvaluateMember(ObjectRules rules, int known, scoped ReadOnlySpan<byte> name, JsonElement value, scoped Span<ulong> seen, out bool looked)
    {
        var valid = true;
        looked = false;
        if (known >= 0)
        {
            seen[known >> 6] |= 1UL << known;
            if (rules.Properties[known] is { } schema)
            {
                looked = true;
                valid = EvaluateMemberValue(schema, name, value);
                if (rules.NamesDecide)
                    return valid;
            }
        }
        foreach (var (pattern, schema) in rules.Patterns)
        {
            if (!pattern.IsMatch(name))
                continue;
            looked = true;
            valid &= EvaluateMemberValue(schema, name, value);
        }
        if (!looked && rules.Additional is { } additional)
        {
            looked = true;
            valid &= additional.IsFalse ? FailUnknown("additionalProperties", name, rules) : EvaluateMemberValue(additional, name, value);
        }
        if (rules.PropertyNames is { } names)
            valid &= EvaluateName(names, name);
        return valid;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool EvaluateMemberValue(SchemaNode schema, scoped ReadOnlySpan<byte> name, JsonElement value)
    {
        var none = default(EvaluatedMarks);
        if (errors is null)
            return EvaluateElement(schema, value, ref none);
        errors.Enter(name);
        var valid = EvaluateElement(schema, value, ref none);
        errors?.Leave();
        return valid;
    }

    private bool EvaluateName(SchemaNode schema, scoped ReadOnlySpan<byte> name)
    {
        var none = default(EvaluatedMarks);
        if (errors is null)
            return EvaluateText(schema, name, ref none);
        if (!errors.HasRoom)
            return false;
        errors.Enter(name);
        var outer = errors.Open();
        var valid = Evaluate(schema, new Instance(name), ref none);
        var found = errors.Close(outer);
        if (!valid)
            errors.Add("propertyNames", SchemaMessages.Name(errors.Field, found));
        errors.Leave();
        return valid;
    }

    private bool FailUnknown(string keyword, scoped ReadOnlySpan<byte> name, ObjectRules? rules)
    {
        if (errors is not { HasRoom: true })
            return false;
        errors.Enter(name);
        errors.Add(keyword, SchemaMessages.Unknown(errors.Field, rules));
        errors.Leave();
        return false;
    }

    private bool EvaluateMemberCount(SchemaNode node, ObjectRules rules, scoped in Instance instance)
    {
        var count = instance.Element.GetPropertyCount();
        var valid = count >= rules.MinProperties || Fail(node, "minProperties", instance);
        return (count <= rules.MaxProperties || Fail(node, "maxProperties", instance)) && valid;
    }

    private bool EvaluateRequired(ObjectRules rules, scoped ReadOnlySpan<ulong> seen)
    {
        var complete = true;
        for (var i = 0; i < rules.RequiredBits.Length; i++)
            complete &= (rules.RequiredBits[i] & ~seen[i]) == 0;
        if (complete || errors is null)
            return complete;
        foreach (var position in rules.Required)
        {
            if (!Saw(seen, position))
                errors.AddMissing("required", rules.NameTexts[position], SchemaMessages.Missing(rules, position, null));
        }
        return false;
    }

    private bool EvaluateDependencies(ObjectRules rules, scoped in Instance instance, scoped ReadOnlySpan<ulong> seen, scoped ref EvaluatedMarks marks)
    {
        var valid = true;
        foreach (var (trigger, required) in rules.DependentRequired)
        {
            foreach (var position in Saw(seen, trigger) ? required : [])
            {
                if (Saw(seen, position))
                    continue;
                valid = false;
                errors?.AddMissing("dependentRequired", rules.NameTexts[position], SchemaMessages.Missing(rules, position, rules.NameTexts[trigger]));
            }
        }
        foreach (var (trigger, schema) in rules.DependentSchemas)
        {
            if ((valid || errors is not null) && Saw(seen, trigger))
                valid &= EvaluateConjunct(schema, instance, ref marks);
        }
        return valid;
    }

    private static bool Saw(scoped ReadOnlySpan<ulong> seen, int position) => (seen[position >> 6] >> position & 1) != 0;
}
