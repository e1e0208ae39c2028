using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace LogLine.Protocol.Json;

/// <summary>
/// NFC in time that grows with the text. The runtime puts combining marks in order one by one, each behind as many as come before it, so a long row of them takes time by its
/// square; what holds one is decomposed and put in order here first, and then there is nothing to move.
/// </summary>
internal static class NormalForm
{
    /// <summary>A mark that stands behind every other one. What it changes places with is a mark; a letter stays where it is.</summary>
    private const string LastMark = "\u0345";

    /// <summary>Marks in a row that the runtime may put in order; more than any writing needs.</summary>
    private const int FewMarks = 16;

    /// <summary>NFC. The runtime throws for U+FFFE, which may stand in a text and is inert in NFC: what stands around it is normalised.</summary>
    public static string Composed(string text) =>
        text.Contains('\uFFFE') ? string.Join('\uFFFE', text.Split('\uFFFE').Select(Composed))
        : (HasLongRow(text) ? Ordered(text) : text).Normalize(NormalizationForm.FormC);

    /// <summary>Where in the NFC of a text the pieces stand that were in another form. No character of ASCII is composed with what is before it, so a piece begins at each.</summary>
    public static List<(int Start, int End)> AlteredIn(string text)
    {
        var (pieces, length) = (new List<(int, int)>(), 0);
        for (var (start, end) = (0, 0); start < text.Length; start = end)
        {
            var next = text.AsSpan(start + 1).IndexOfAnyInRange('\0', '\x7f');
            end = next < 0 ? text.Length : start + 1 + next;
            var piece = text[start..end];
            var composed = Composed(piece);
            if (composed != piece)
            {
                pieces.Add((length, length + composed.Length));
            }
            length += composed.Length;
        }
        return pieces;
    }

    private static bool HasLongRow(string text)
    {
        var row = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            row = !rune.IsAscii && Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark ? row + 1 : 0;
            if (row > FewMarks)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The canonical decomposition: each character's own, and then every row of marks by their classes. Marks of one class keep their order.</summary>
    private static string Ordered(string text)
    {
        var (characters, distinct) = Decomposed(text);
        var classes = Classes(distinct);
        var counts = new int[classes.Max() + 2];
        var ordered = new StringBuilder(text.Length);
        var row = new List<int>();
        foreach (var character in characters)
        {
            if (classes[character] >= 0)
            {
                row.Add(character);
                continue;
            }
            EndRow();
            ordered.Append(distinct[character]);
        }
        EndRow();
        return ordered.ToString();

        void EndRow()
        {
            var marks = CollectionsMarshal.AsSpan(row);
            if (marks.Length > FewMarks)
            {
                Count(marks, classes, counts);
            }
            else
            {
                Insert(marks, classes);
            }
            foreach (var mark in marks)
            {
                ordered.Append(distinct[mark]);
            }
            row.Clear();
        }
    }

    /// <summary>The text's characters, each by its place among the distinct ones.</summary>
    private static (List<int> Characters, List<Rune> Distinct) Decomposed(string text)
    {
        var (characters, distinct) = (new List<int>(text.Length), new List<Rune>());
        var (places, known) = (new Dictionary<Rune, int>(), new Dictionary<Rune, int[]>());
        foreach (var rune in text.EnumerateRunes())
        {
            ref var parts = ref CollectionsMarshal.GetValueRefOrAddDefault(known, rune, out _);
            parts ??= [.. rune.ToString().Normalize(NormalizationForm.FormD).EnumerateRunes().Select(Place)];
            characters.AddRange(parts);
        }
        return (characters, distinct);

        int Place(Rune part)
        {
            if (places.TryAdd(part, distinct.Count))
            {
                distinct.Add(part);
            }
            return places[part];
        }
    }

    /// <summary>
    /// The place of each one's combining class among those that there are; −1 for what is no mark. The runtime tells nobody the classes, but it changes the places of two marks exactly
    /// where the first one's is the higher: so the marks are compared by what it makes of the two.
    /// </summary>
    private static int[] Classes(List<Rune> characters)
    {
        var texts = characters.Select(character => character.ToString()).ToArray();
        var marks = Enumerable.Range(0, texts.Length).Where(i => texts[i] == LastMark || IsSwapped(LastMark, texts[i])).ToArray();
        Array.Sort(marks, (one, other) => IsSwapped(texts[one], texts[other]) ? 1 : IsSwapped(texts[other], texts[one]) ? -1 : 0);
        var classes = new int[texts.Length];
        Array.Fill(classes, -1);
        for (var (i, place) = (0, 0); i < marks.Length; i++)
        {
            place += i > 0 && IsSwapped(texts[marks[i]], texts[marks[i - 1]]) ? 1 : 0;
            classes[marks[i]] = place;
        }
        return classes;
    }

    private static bool IsSwapped(string first, string second) => !(first + second).IsNormalized(NormalizationForm.FormD);

    /// <summary>Puts a short row in order one by one.</summary>
    private static void Insert(Span<int> row, int[] classes)
    {
        for (var i = 1; i < row.Length; i++)
        {
            var (mark, at) = (row[i], i);
            for (; at > 0 && classes[row[at - 1]] > classes[mark]; at--)
            {
                row[at] = row[at - 1];
            }
            row[at] = mark;
        }
    }

    /// <summary>Puts a long row in order by counting.</summary>
    private static void Count(Span<int> row, int[] classes, int[] counts)
    {
        var sorted = new int[row.Length];
        Array.Clear(counts);
        foreach (var mark in row)
        {
            counts[classes[mark] + 1]++;
        }
        for (var i = 1; i < counts.Length; i++)
        {
            counts[i] += counts[i - 1];
        }
        foreach (var mark in row)
        {
            sorted[counts[classes[mark]]++] = mark;
        }
        sorted.CopyTo(row);
    }
}
