using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>Arrays: one pass over the elements; uniqueness by hash.</summary>
internal partial struct Evaluation
{
    // Up to here comparing all pairs costs less than hashing.
    private const int FewItems = 6;

    private bool EvaluateArray(SchemaNode node, ArrayRules rules, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        var count = instance.Element.GetArrayLength();
        var valid = count >= rules.MinItems || Fail(node, "minItems", instance);
        if (count > rules.MaxItems)
            valid = Fail(node, "maxItems", instance);
        if ((valid || errors is not null) && rules.LooksAtItems)
            valid &= EvaluateItems(node, rules, instance, ref marks);
        if ((valid || errors is not null) && rules.UniqueItems && count > 1)
            valid &= EvaluateUnique(node, instance, count);
        return valid;
    }

    private bool EvaluateItems(SchemaNode node, ArrayRules rules, scoped in Instance instance, scoped ref EvaluatedMarks marks)
    {
        if (!TakeSteps(instance.Element.GetArrayLength()))
            return false;
        var valid = true;
        var (index, contained) = (0, 0);
        foreach (var item in instance.Element.EnumerateArray())
        {
            var schema = index < rules.PrefixItems.Length ? rules.PrefixItems[index] : rules.Items;
            var looked = schema is not null;
            if (schema is not null)
                valid &= EvaluateItem(schema, item, index, "items");
            if (!valid && errors is null)
                return false;
            if (rules.Contains is not null && Matches(rules.Contains, item))
            {
                contained++;
                looked = true;
            }
            if (looked && marks.Active)
                marks.Mark(index);
            index++;
        }
        if (rules.Contains is null)
            return valid;
        if (contained < rules.MinContains)
            valid = Fail(node, rules.MinContains == 1 ? "contains" : "minContains", instance);
        return (contained <= rules.MaxContains || Fail(node, "maxContains", instance)) && valid;
    }

    private bool EvaluateItem(SchemaNode schema, JsonElement item, int index, string keyword)
    {
        var none = default(EvaluatedMarks);
        if (errors is null)
            return EvaluateElement(schema, item, ref none);
        errors.Enter(index);
        bool valid;
        if (schema.IsFalse)
        {
            valid = false;
            errors.Add(keyword, SchemaMessages.Surplus(errors.Field));
        }
        else
        {
            valid = EvaluateElement(schema, item, ref none);
        }
        errors.Leave();
        return valid;
    }

    private bool Matches(SchemaNode schema, JsonElement item)
    {
        var none = default(EvaluatedMarks);
        var report = errors;
        errors = null;
        var valid = EvaluateElement(schema, item, ref none);
        errors = report;
        return valid;
    }

    private bool EvaluateUnique(SchemaNode node, scoped in Instance instance, int count)
    {
        if (!TakeSteps(count))
            return false;
        var unique = count <= FewItems ? ArePairwiseUnique(instance.Element) : AreUniqueByHash(instance.Element, count);
        return unique || Fail(node, "uniqueItems", instance);
    }

    private static bool ArePairwiseUnique(JsonElement array)
    {
        var few = new Few();
        var count = 0;
        foreach (var item in array.EnumerateArray())
        {
            foreach (var earlier in few[..count])
            {
                if (JsonEquality.AreEqual(item, earlier))
                    return false;
            }
            few[count++] = item;
        }
        return true;
    }

    private bool AreUniqueByHash(JsonElement array, int count)
    {
        var items = ArrayPool<JsonElement>.Shared.Rent(count);
        var index = 0;
        foreach (var item in array.EnumerateArray())
            items[index++] = item;
        var unique = AreUniqueByHash(items.AsSpan(0, count));
        // The elements hold on to their document: the pool must not.
        ArrayPool<JsonElement>.Shared.Return(items, clearArray: true);
        return unique;
    }

    private bool AreUniqueByHash(ReadOnlySpan<JsonElement> items)
    {
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)items.Length * 2);
        var slots = ArrayPool<(int Hash, int Position)>.Shared.Rent(size);
        var table = slots.AsSpan(0, size);
        table.Fill((0, -1));
        var unique = true;
        for (var i = 0; unique && i < items.Length; i++)
        {
            var hash = JsonEquality.Hash(items[i]);
            var slot = hash & (size - 1);
            // Each look at an occupied slot is a step, so that not even prepared collisions make this quadratic.
            for (; table[slot].Position >= 0 && unique && TakeStep(); slot = (slot + 1) & (size - 1))
                unique = table[slot].Hash != hash || !JsonEquality.AreEqual(items[i], items[table[slot].Position]);
            unique &= limit is null;
            table[slot] = (hash, i);
        }
        ArrayPool<(int, int)>.Shared.Return(slots);
        return unique;
    }

    [InlineArray(FewItems)]
    private struct Few
    {
        private JsonElement first;
    }
}
