using System.Globalization;

namespace LogLine.Protocol.Schema;

/// <summary>General categories of Unicode under the names of PropertyValueAliases.txt, as .NET's data has them.</summary>
internal static class UnicodeCategories
{
    private const int LastCodePoint = 0x10FFFF;

    // One walk over all code points, when first asked: walking for every \p in a pattern would let a schema buy hours.
    private static readonly Lazy<CodePointSet[]> Sets = new(ReadAll);

    // In the order of System.Globalization.UnicodeCategory.
    private static readonly string[][] Names =
    [
        ["Lu", "Uppercase_Letter"], ["Ll", "Lowercase_Letter"], ["Lt", "Titlecase_Letter"], ["Lm", "Modifier_Letter"], ["Lo", "Other_Letter"],
        ["Mn", "Nonspacing_Mark"], ["Mc", "Spacing_Mark"], ["Me", "Enclosing_Mark"],
        ["Nd", "Decimal_Number", "digit"], ["Nl", "Letter_Number"], ["No", "Other_Number"],
        ["Zs", "Space_Separator"], ["Zl", "Line_Separator"], ["Zp", "Paragraph_Separator"],
        ["Cc", "Control", "cntrl"], ["Cf", "Format"], ["Cs", "Surrogate"], ["Co", "Private_Use"],
        ["Pc", "Connector_Punctuation"], ["Pd", "Dash_Punctuation"], ["Ps", "Open_Punctuation"], ["Pe", "Close_Punctuation"],
        ["Pi", "Initial_Punctuation"], ["Pf", "Final_Punctuation"], ["Po", "Other_Punctuation"],
        ["Sm", "Math_Symbol"], ["Sc", "Currency_Symbol"], ["Sk", "Modifier_Symbol"], ["So", "Other_Symbol"],
        ["Cn", "Unassigned"],
    ];

    private static readonly (string Short, string Long, string Members)[] Groups =
    [
        ("L", "Letter", "Lu Ll Lt Lm Lo"), ("LC", "Cased_Letter", "Lu Ll Lt"), ("M", "Mark", "Mn Mc Me"), ("N", "Number", "Nd Nl No"),
        ("Z", "Separator", "Zs Zl Zp"), ("C", "Other", "Cc Cf Cs Co Cn"), ("P", "Punctuation", "Pc Pd Ps Pe Pi Pf Po"), ("S", "Symbol", "Sm Sc Sk So"),
    ];

    /// <summary>A general category by its short or long name, as ECMA-262 spells them; null for what is not one.</summary>
    public static CodePointSet? Find(string name)
    {
        var one = Array.FindIndex(Names, n => n.Contains(name));
        if (one >= 0)
            return Sets.Value[one];
        var group = Array.Find(Groups, g => g.Short == name || g.Long == name);
        return group.Members?.Split(' ').Aggregate(CodePointSet.Empty, (set, member) => set.Union(Find(member)!));
    }

    private static CodePointSet[] ReadAll()
    {
        var ranges = new List<(int, int)>[Names.Length];
        for (var i = 0; i < ranges.Length; i++)
            ranges[i] = [];
        var (first, category) = (0, CharUnicodeInfo.GetUnicodeCategory(0));
        for (var c = 1; c <= LastCodePoint + 1; c++)
        {
            if (c <= LastCodePoint && CharUnicodeInfo.GetUnicodeCategory(c) == category)
                continue;
            ranges[(int)category].Add((first, c - 1));
            (first, category) = (c, c <= LastCodePoint ? CharUnicodeInfo.GetUnicodeCategory(c) : category);
        }
        return [.. ranges.Select(r => CodePointSet.Of([.. r]))];
    }
}
