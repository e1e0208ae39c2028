using System.Buffers;
using System.Text;

namespace LogLine.Protocol.Merkle;

/// <summary>Which text a signed note may consist of (C2SP signed-note), and where its signatures begin.</summary>
internal static class NoteText
{
    /// <summary>Bytes in a note, signatures included.</summary>
    internal const int MaxBytes = 64 * 1024;

    /// <summary>Ends in a newline, is well-formed, within the limit, and has no control character but newlines.</summary>
    internal static bool IsBody(string? text) => text is { Length: > 0 and <= MaxBytes } && text[^1] == '\n' && IsClean(text);

    /// <summary>Not empty, no space of Unicode, no plus, no control character.</summary>
    internal static bool IsName(ReadOnlySpan<char> name)
    {
        foreach (var symbol in name)
        {
            if (symbol == '+' || char.IsWhiteSpace(symbol) || char.IsControl(symbol))
            {
                return false;
            }
        }
        return name.Length > 0 && IsClean(name);
    }

    /// <summary>Parts a note at its last empty line: the body with its newline, the signature lines with theirs.</summary>
    internal static bool TrySplit(string? note, out string body, out string signatures)
    {
        (body, signatures) = ("", "");
        if (!IsBody(note))
        {
            return false;
        }
        var end = note!.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || end + 2 == note.Length)
        {
            return false;
        }
        (body, signatures) = (note[..(end + 1)], note[(end + 2)..]);
        return true;
    }

    private static bool IsClean(ReadOnlySpan<char> text)
    {
        for (var bytes = 0; !text.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var length) != OperationStatus.Done
                || (rune.Value < 0x20 && rune.Value != '\n')
                || (bytes += rune.Utf8SequenceLength) > MaxBytes)
            {
                return false;
            }
            text = text[length..];
        }
        return true;
    }
}
