using System.Buffers;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Which members or elements of one instance a schema has looked at, by position: what <c>unevaluatedProperties</c> and
/// <c>unevaluatedItems</c> ask for. Kept only below a schema that has one of these keywords.
/// </summary>
internal struct EvaluatedMarks
{
    private const int InlineCount = 64;

    private ulong inline;
    private ulong[]? rented;
    private int count;

    /// <summary>False in the default value: nobody asks, nothing is kept.</summary>
    public bool Active { get; private set; }

    /// <summary>Every position is marked.</summary>
    public bool All { get; private set; }

    /// <summary>For an instance with so many members or elements; must be returned.</summary>
    public static EvaluatedMarks For(int count)
    {
        var marks = new EvaluatedMarks { Active = true, count = count };
        if (count > InlineCount)
        {
            marks.rented = ArrayPool<ulong>.Shared.Rent((count + 63) / 64);
            marks.rented.AsSpan().Clear();
        }
        return marks;
    }

    /// <summary>Empty marks for the same instance, for a subschema that may yet fail.</summary>
    public readonly EvaluatedMarks Fresh() => Active ? For(count) : default;

    public void Mark(int index)
    {
        if (rented is not null)
            rented[index >> 6] |= 1UL << index;
        else
            inline |= 1UL << index;
    }

    public void MarkAll() => All = true;

    public readonly bool Has(int index) => All || (((rented is null ? inline : rented[index >> 6]) >> index) & 1) != 0;

    public void Merge(in EvaluatedMarks other)
    {
        All |= other.All;
        inline |= other.inline;
        for (var i = 0; rented is not null && i < (count + 63) / 64; i++)
            rented[i] |= other.rented![i];
    }

    public void Return()
    {
        if (rented is null)
            return;
        ArrayPool<ulong>.Shared.Return(rented);
        rented = null;
    }
}
