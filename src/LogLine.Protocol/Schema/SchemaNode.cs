using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>One compiled (sub)schema: the rules for each kind of value, and those that apply other schemas in place.</summary>
internal sealed class SchemaNode
{
    /// <summary>JSON Pointer in its document, for refusals at load.</summary>
    public required string Pointer { get; init; }

    /// <summary>The schema <c>false</c>.</summary>
    public bool IsFalse { get; set; }

    /// <summary>Nothing can fail and nothing is looked at: <c>true</c>, <c>{}</c>, annotations only.</summary>
    public bool IsTrue { get; private set; }

    /// <summary>Has <c>unevaluatedItems</c> or <c>unevaluatedProperties</c>.</summary>
    public bool AsksForUnevaluated { get; private set; }

    public TypeRule? Type { get; set; }

    /// <summary>One bit for each <see cref="JsonValueKind"/> that is accepted; none for the schema <c>false</c>.</summary>
    public int Kinds { get; private set; }

    public ValueSet? Const { get; set; }

    public ValueSet? Enum { get; set; }

    public TextRules? Text { get; set; }

    public NumberRules? Number { get; set; }

    public ArrayRules? Array { get; set; }

    public ObjectRules? Object { get; set; }

    public InPlaceRules? InPlace { get; set; }

    /// <summary>The rules of <see cref="Object"/> where these are plain and all that there is for an object to meet; else null.</summary>
    public ObjectRules? PlainObject { get; private set; }

    /// <summary>The schema's <c>description</c>, for messages.</summary>
    public string? Description { get; set; }

    /// <summary>The first of the schema's <c>examples</c>, for messages.</summary>
    public string? Example { get; set; }

    /// <summary>What a schema that is nothing but a <c>$ref</c> stands for; of any other the schema itself.</summary>
    public SchemaNode Target
    {
        get
        {
            var node = this;
            while (node.IsReference)
                node = node.InPlace!.All[0];
            return node;
        }
    }

    private bool IsReference => InPlace is { All.Count: 1, AnyOf: null, OneOf: null, Not: null, If: null } && Description is null && Example is null
        && !IsFalse && Type is null && Const is null && Enum is null && Text is null && Number is null && Array is null && Object is null;

    /// <summary>Whether a string meets the rules of this schema itself; those applied in place are not asked.</summary>
    public bool AcceptsText(ReadOnlySpan<byte> text) =>
        (Kinds & 1 << (int)JsonValueKind.String) != 0
        && (Const is null || Const.ContainsText(text))
        && (Enum is null || Enum.ContainsText(text))
        && (Text is null || Text.Accepts(text));

    /// <summary>
    /// A string with a backslash is not accepted. So where the raw text of a document is accepted it has no escapes: nobody need look for them.
    /// </summary>
    public bool ExcludesBackslash { get; private set; }

    /// <summary>The pattern, where it is all that there is for a string to meet and no match has a backslash; else null.</summary>
    public DirectMatcher? Matcher { get; private set; }

    /// <summary>Called once, when all keywords have been read.</summary>
    public void Seal()
    {
        ExcludesBackslash = Text?.Pattern is { ExcludesBackslash: true } || Const is { HoldsBackslash: false } || Enum is { HoldsBackslash: false };
        IsTrue = !IsFalse && Type is null && Const is null && Enum is null && Text is null && Number is null && Array is null && Object is null && InPlace is null;
        Kinds = IsFalse ? 0 : Type?.Kinds ?? -1;
        var isOnlyPattern = ExcludesBackslash && Const is null && Enum is null && InPlace is null && Text is { MinLength: 0, MaxLength: int.MaxValue, Format: null };
        Matcher = isOnlyPattern && (Kinds >> (int)JsonValueKind.String & 1) != 0 ? Text!.Pattern!.Direct : null;
        AsksForUnevaluated = Array?.Unevaluated is not null || Object?.Unevaluated is not null;
    }

    /// <summary>Called once, when the rules for members are known as well.</summary>
    public void SealObject()
    {
        Object?.Seal();
        if (Object is { IsPlain: true } && !AsksForUnevaluated && Const is null && Enum is null && InPlace is null && (Kinds >> (int)JsonValueKind.Object & 1) != 0)
            PlainObject = Object;
    }
}

/// <summary><c>type</c>.</summary>
/// <param name="Kinds">One bit for each <see cref="JsonValueKind"/> that is accepted.</param>
/// <param name="IntegersOnly">Of numbers, integers only.</param>
/// <param name="Names">As the schema spells them.</param>
internal sealed record TypeRule(int Kinds, bool IntegersOnly, string Names);

/// <summary><c>const</c> and <c>enum</c>. Strings are found by content, the rest by comparing one by one.</summary>
internal sealed class ValueSet(IReadOnlyList<JsonElement> values)
{
    private readonly Utf8Names texts = new([.. values.Where(IsText).Select(v => System.Text.Encoding.UTF8.GetBytes(v.GetString()!))]);
    private readonly JsonElement[] others = [.. values.Where(v => !IsText(v))];

    public IReadOnlyList<JsonElement> Values => values;

    public bool Contains(in Instance instance)
    {
        if (instance.Kind == JsonValueKind.String)
            return ContainsText(instance.Text);
        foreach (var value in others)
        {
            if (JsonEquality.AreEqual(value, instance.Element))
                return true;
        }
        return false;
    }

    public bool HoldsBackslash => texts.HoldsBackslash;

    public bool ContainsText(ReadOnlySpan<byte> text) => texts.Find(text) >= 0;

    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String;
}

internal sealed class TextRules
{
    public int MinLength { get; set; }

    public int MaxLength { get; set; } = int.MaxValue;

    public Pattern? Pattern { get; set; }

    public TextFormat? Format { get; set; }

    public bool Accepts(ReadOnlySpan<byte> text) =>
        !IsTooLong(text) && !IsTooShort(text) && (Pattern is null || Pattern.IsMatch(text)) && (Format is null || Format.IsMatch(text));

    // There are at most as many code points as bytes and at least a quarter; mostly that is enough and nothing is counted.
    public bool IsTooLong(ReadOnlySpan<byte> text) => text.Length > MaxLength && JsonText.CountCodePoints(text) > MaxLength;

    public bool IsTooShort(ReadOnlySpan<byte> text) =>
        MinLength > 0 && (text.Length + 3L) / 4 < MinLength && JsonText.CountCodePoints(text) < MinLength;
}

internal sealed class NumberRules
{
    public NumberBound? Minimum { get; set; }

    public NumberBound? Maximum { get; set; }

    public NumberBound? ExclusiveMinimum { get; set; }

    public NumberBound? ExclusiveMaximum { get; set; }

    public string? MultipleOf { get; set; }

    public JsonNumber.Divisor Divisor { get; set; }
}

/// <summary>A bound of a number, read once where it is small.</summary>
internal sealed class NumberBound
{
    private readonly byte[] raw;
    private readonly bool isSmall;
    private readonly long small;

    public NumberBound(ReadOnlySpan<byte> number)
    {
        raw = number.ToArray();
        isSmall = JsonNumber.TryReadSmall(number, out small);
    }

    public string Text => System.Text.Encoding.UTF8.GetString(raw);

    /// <summary>The sign of (number − bound).</summary>
    public int Compare(ReadOnlySpan<byte> number) =>
        isSmall && JsonNumber.TryReadSmall(number, out var value)
            ? value.CompareTo(small)
            : JsonNumber.Parse(number).CompareTo(JsonNumber.Parse(raw));
}

internal sealed class ArrayRules
{
    public int MinItems { get; set; }

    public int MaxItems { get; set; } = int.MaxValue;

    public bool UniqueItems { get; set; }

    public SchemaNode[] PrefixItems { get; set; } = [];

    public SchemaNode? Items { get; set; }

    public SchemaNode? Contains { get; set; }

    public int MinContains { get; set; } = 1;

    public int MaxContains { get; set; } = int.MaxValue;

    public SchemaNode? Unevaluated { get; set; }

    /// <summary>Called once, when all schemas have been compiled.</summary>
    public void Seal() => (Items, PrefixItems) = (Items?.Target, [.. PrefixItems.Select(p => p.Target)]);

    public bool LooksAtItems => PrefixItems.Length > 0 || Items is not null || Contains is not null;
}

internal sealed class ObjectRules
{
    public int MinProperties { get; set; }

    public int MaxProperties { get; set; } = int.MaxValue;

    /// <summary>Every name that <c>properties</c>, <c>required</c> or a dependency mentions; positions index the arrays below.</summary>
    public Utf8Names Names { get; set; } = new([]);

    public string[] NameTexts { get; set; } = [];

    public SchemaNode?[] Properties { get; set; } = [];

    /// <summary>Positions of the required names, in the order of the schema.</summary>
    public int[] Required { get; set; } = [];

    /// <summary>The same as bits, 64 to a word.</summary>
    public ulong[] RequiredBits { get; set; } = [];

    public (int Trigger, int[] Required)[] DependentRequired { get; set; } = [];

    public (int Trigger, SchemaNode Schema)[] DependentSchemas { get; set; } = [];

    public (Pattern Pattern, SchemaNode Schema)[] Patterns { get; set; } = [];

    public SchemaNode? Additional { get; set; }

    public SchemaNode? PropertyNames { get; set; }

    public SchemaNode? Unevaluated { get; set; }

    /// <summary>A member whose schema is found by name has met all rules: no pattern or rule for names applies besides.</summary>
    public bool NamesDecide { get; private set; }

    public bool HasDependencies { get; private set; }

    public bool LooksAtMembers { get; private set; }

    public bool CountsMembers { get; private set; }

    /// <summary>Names, at most 64 of them, decide what each member must be; there are no other rules. Most objects are so.</summary>
    public bool IsPlain { get; private set; }

    /// <summary>Of a plain object, the names that are required, as bits.</summary>
    public ulong RequiredNames { get; private set; }

    /// <summary>Of an <c>if</c> that asks for a few members alone: the bits of their names. Once they were all seen it is decided; 0 for any other schema.</summary>
    public ulong DecidedBy { get; private set; }

    /// <summary>The rules belong to an <c>if</c>.</summary>
    public bool IsCondition { get; set; }

    /// <summary>Called once, when all schemas have been compiled.</summary>
    public void Seal()
    {
        NamesDecide = Patterns.Length == 0 && PropertyNames is null;
        HasDependencies = DependentRequired.Length > 0 || DependentSchemas.Length > 0;
        LooksAtMembers = Names.Count > 0 || Patterns.Length > 0 || Additional is not null || PropertyNames is not null;
        CountsMembers = MinProperties > 0 || MaxProperties < int.MaxValue;
        IsPlain = NamesDecide && !HasDependencies && !CountsMembers && LooksAtMembers && Names.Count <= 64 && !Names.HoldsBackslash;
        RequiredNames = RequiredBits.Length == 0 ? 0 : RequiredBits[0];
        DecidedBy = IsCondition && NamesDecide && Additional is null && Names.Count is > 0 and < 64 ? (1UL << Names.Count) - 1 : 0;
        Properties = [.. Properties.Select(p => p?.Target)];
        Additional = Additional?.Target;
    }
}

internal sealed class InPlaceRules
{
    /// <summary><c>$ref</c> and <c>allOf</c>: each must hold.</summary>
    public List<SchemaNode> All { get; } = [];

    public SchemaNode[]? AnyOf { get; set; }

    public SchemaNode[]? OneOf { get; set; }

    public SchemaNode? Not { get; set; }

    public SchemaNode? If { get; set; }

    public SchemaNode? Then { get; set; }

    public SchemaNode? Else { get; set; }
}

/// <summary>A value under judgement: an element, or a member name (which has no element of its own).</summary>
internal readonly ref struct Instance
{
    /// <param name="element">Anything but a string.</param>
    /// <param name="raw">Its text, whose first byte says what it is.</param>
    public Instance(JsonElement element, ReadOnlySpan<byte> raw)
    {
        Element = element;
        Text = raw;
        Kind = raw[0] switch
        {
            (byte)'{' => JsonValueKind.Object,
            (byte)'[' => JsonValueKind.Array,
            (byte)'t' => JsonValueKind.True,
            (byte)'f' => JsonValueKind.False,
            (byte)'n' => JsonValueKind.Null,
            _ => JsonValueKind.Number,
        };
    }

    public Instance(ReadOnlySpan<byte> text)
    {
        Text = text;
        Kind = JsonValueKind.String;
    }

    /// <summary>Undefined for a string: its content is in <see cref="Text"/>.</summary>
    public JsonElement Element { get; }

    public JsonValueKind Kind { get; }

    /// <summary>Of a string, the UTF-8 content without quotes and escapes; of anything else, its text as it stands.</summary>
    public ReadOnlySpan<byte> Text { get; }
}
