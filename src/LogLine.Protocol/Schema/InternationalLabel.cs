using System.Globalization;
using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Host name labels that begin with <c>xn--</c>: the Punycode (RFC 3492) must decode to a label that IDNA 2008 permits (RFC 5891,
/// RFC 5892 with its contextual rules). The rules for right-to-left labels (RFC 5893) are not applied. Zero-width non-joiners between
/// joining letters are recognised for the Arabic script only; elsewhere they need a virama, which is stricter than the standard.
/// </summary>
internal static class InternationalLabel
{
    private const int Longest = 63;

    private static readonly CodePointSet PermittedByException = Codes(0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007);

    private static readonly CodePointSet Forbidden = CodePointSet.Of((0x640, 0x640), (0x7FA, 0x7FA), (0x302E, 0x302F), (0x3031, 0x3035), (0x303B, 0x303B),
        // Old Hangul letters, invisible characters, marks for symbols and music.
        (0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7FB), (0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
        (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0x1D100, 0x1D24F), (0xE0100, 0xE01EF));

    private static readonly CodePointSet Virama = Codes(0x94D, 0x9CD, 0xA4D, 0xACD, 0xB4D, 0xBCD, 0xC4D, 0xCCD, 0xD3B, 0xD3C, 0xD4D, 0xDCA, 0xE3A,
        0xEBA, 0xF84, 0x1039, 0x103A, 0x1714, 0x1734, 0x17D2, 0x1A60, 0x1B44, 0x1BAA, 0x1BAB, 0x1BF2, 0x1BF3, 0x2D7F, 0xA806, 0xA82C, 0xA8C4, 0xA953,
        0xA9C0, 0xAAF6, 0xABED, 0x10A3F, 0x11046, 0x1107F, 0x110B9, 0x11133, 0x11134, 0x111C0, 0x11235, 0x112EA, 0x1134D, 0x11442, 0x114C2, 0x115BF,
        0x1163F, 0x116B6, 0x1172B, 0x11839, 0x119E0, 0x11A34, 0x11A47, 0x11A99, 0x11C3F, 0x11D44, 0x11D45, 0x11D97);

    private static readonly CodePointSet Greek = CodePointSet.Of((0x370, 0x373), (0x375, 0x377), (0x37A, 0x37D), (0x37F, 0x37F), (0x384, 0x384),
        (0x386, 0x386), (0x388, 0x3E1), (0x3F0, 0x3FF), (0x1D26, 0x1D2A), (0x1F00, 0x1FFE), (0x2126, 0x2126));

    private static readonly CodePointSet Hebrew = CodePointSet.Of((0x591, 0x5F4), (0xFB1D, 0xFB4F));

    private static readonly CodePointSet Japanese = CodePointSet.Of((0x2E80, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
        (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FD, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAD9),
        (0xFF66, 0xFF6F), (0xFF71, 0xFF9D), (0x1B000, 0x1B122), (0x1B164, 0x1B167), (0x20000, 0x323AF));

    private static readonly CodePointSet ArabicDigits = CodePointSet.Of((0x660, 0x669));
    private static readonly CodePointSet ExtendedArabicDigits = CodePointSet.Of((0x6F0, 0x6F9));

    // Arabic letters that join to the one before only; all other letters of the block join on both sides.
    private static readonly CodePointSet JoinsBefore = CodePointSet.Of((0x622, 0x625), (0x627, 0x627), (0x629, 0x629), (0x62F, 0x632), (0x648, 0x648),
        (0x671, 0x673), (0x675, 0x677), (0x688, 0x699), (0x6C0, 0x6C0), (0x6C3, 0x6CB), (0x6CD, 0x6CD), (0x6CF, 0x6CF), (0x6D2, 0x6D3), (0x6D5, 0x6D5),
        (0x6EE, 0x6EF));

    private static readonly CodePointSet JoinsBoth = CodePointSet.Of((0x620, 0x620), (0x626, 0x626), (0x628, 0x628), (0x62A, 0x62E), (0x633, 0x63F),
        (0x641, 0x647), (0x649, 0x64A), (0x66E, 0x66F), (0x678, 0x687), (0x69A, 0x6BF), (0x6C1, 0x6C2), (0x6CC, 0x6CC), (0x6CE, 0x6CE), (0x6D0, 0x6D1),
        (0x6FA, 0x6FC), (0x6FF, 0x6FF));

    /// <summary>Judges what follows <c>xn--</c>: at most 59 letters, digits and hyphens.</summary>
    public static bool IsValid(ReadOnlySpan<byte> punycode)
    {
        Span<int> buffer = stackalloc int[Longest];
        var length = Punycode.Decode(punycode, buffer);
        if (length < 1)
            return false;
        var label = buffer[..length];
        if (label.IndexOfAnyExceptInRange(0, 127) < 0 || (length >= 4 && label[2] == '-' && label[3] == '-') || label[0] == '-' || label[^1] == '-')
            return false;
        if (IsMark(label[0]))
            return false;
        for (var i = 0; i < length; i++)
        {
            if (!IsPermitted(label, i))
                return false;
        }
        // Last: what is permitted can be normalised, whereas the runtime throws for U+FFFE.
        return IsComposed(label);
    }

    private static bool IsPermitted(ReadOnlySpan<int> label, int i)
    {
        var c = label[i];
        return c switch
        {
            0xB7 => i > 0 && i + 1 < label.Length && label[i - 1] == 'l' && label[i + 1] == 'l',
            0x375 => i + 1 < label.Length && Greek.Contains(label[i + 1]),
            0x5F3 or 0x5F4 => i > 0 && Hebrew.Contains(label[i - 1]),
            0x30FB => ContainsAny(label, Japanese),
            0x200D => i > 0 && Virama.Contains(label[i - 1]),
            0x200C => i > 0 && (Virama.Contains(label[i - 1]) || IsBetweenJoining(label, i)),
            _ when ArabicDigits.Contains(c) => !ContainsAny(label, ExtendedArabicDigits),
            _ when ExtendedArabicDigits.Contains(c) => !ContainsAny(label, ArabicDigits),
            _ when PermittedByException.Contains(c) => true,
            < 128 => char.IsAsciiLetterLower((char)c) || char.IsAsciiDigit((char)c) || c == '-',
            _ => !Forbidden.Contains(c) && IsLetterDigitOrMark(c) && IsStable(c),
        };
    }

    private static bool IsBetweenJoining(ReadOnlySpan<int> label, int i)
    {
        var (before, after) = (i - 1, i + 1);
        while (before >= 0 && IsMark(label[before]))
            before--;
        while (after < label.Length && IsMark(label[after]))
            after++;
        return before >= 0 && after < label.Length && JoinsBoth.Contains(label[before])
            && (JoinsBoth.Contains(label[after]) || JoinsBefore.Contains(label[after]));
    }

    private static bool ContainsAny(ReadOnlySpan<int> label, CodePointSet set)
    {
        foreach (var c in label)
        {
            if (set.Contains(c))
                return true;
        }
        return false;
    }

    private static bool IsMark(int c) =>
        CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static bool IsLetterDigitOrMark(int c) => CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.LowercaseLetter or UnicodeCategory.UppercaseLetter
        or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.DecimalDigitNumber
        or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    // RFC 5892, section 2.2: what case folding or compatibility mapping would change is not permitted.
    private static bool IsStable(int c)
    {
        var text = char.ConvertFromUtf32(c);
        return text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Normalize(NormalizationForm.FormKC) == text;
    }

    private static bool IsComposed(ReadOnlySpan<int> label)
    {
        var text = new StringBuilder();
        foreach (var c in label)
            text.Append(char.ConvertFromUtf32(c));
        return text.ToString().IsNormalized(NormalizationForm.FormC);
    }

    private static CodePointSet Codes(params ReadOnlySpan<int> codes)
    {
        var ranges = new List<(int, int)>();
        foreach (var c in codes)
            ranges.Add((c, c));
        return CodePointSet.Of([.. ranges]);
    }
}
