using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace LogLine.Protocol.Schema;

/// <summary>
/// A compiled <c>pattern</c>, applied to UTF-8 in time linear in the text. Where the next byte always decides what comes next, a
/// <see cref="DirectMatcher"/> reads the bytes as they are; the rest goes to the non-backtracking engine of .NET.
/// </summary>
internal sealed class Pattern
{
    private readonly Regex? regex;

    private Pattern(string source, DirectMatcher? direct, Regex? regex) => (Source, Direct, this.regex) = (source, direct, regex);

    /// <summary>As in the schema.</summary>
    public string Source { get; }

    /// <summary>Reads the bytes as they are, without buffer and transcoding; null where the engine of .NET is needed.</summary>
    public DirectMatcher? Direct { get; }

    /// <summary>No text that matches has a backslash.</summary>
    public bool ExcludesBackslash => Direct is { ExcludesBackslash: true };

    public static bool TryCompile(string source, [NotNullWhen(true)] out Pattern? pattern, [NotNullWhen(false)] out string? reason)
    {
        pattern = null;
        if (EcmaRegexParser.Parse(source, out reason) is not { } node)
        {
            reason ??= "not a regular expression";
            return false;
        }
        reason = RegexTranslation.Refusal(node);
        if (reason is not null)
            return false;
        var direct = DirectMatcher.TryCompile(node);
        if (direct is null && RegexTranslation.Size(node) > RegexTranslation.MaxSize)
        {
            reason = $"too large: spelled out it has more than {RegexTranslation.MaxSize} positions";
            return false;
        }
        var regex = direct is null
            ? new Regex(RegexTranslation.ToDotNet(node), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)
            : null;
        pattern = new Pattern(source, direct, regex);
        return true;
    }

    /// <summary>Whether the text has a match anywhere; a text too long for the engine has none.</summary>
    public bool IsMatch(ReadOnlySpan<byte> utf8)
    {
        if (Direct is not null)
            return Direct.IsMatch(utf8);
        if (utf8.Length > SchemaLimits.PatternInputBytes)
            return false;
        var chars = ArrayPool<char>.Shared.Rent(utf8.Length);
        var length = Encoding.UTF8.GetChars(utf8, chars);
        var found = regex!.IsMatch(chars.AsSpan(0, length));
        ArrayPool<char>.Shared.Return(chars);
        return found;
    }
}
