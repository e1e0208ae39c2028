using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Output;

/// <summary>
/// Any result for people, by its shape alone, so that a new intent needs no code here: texts as lines, a list of objects as a table, the rest as names and values.
/// </summary>
internal static class ResultLines
{
    private const int MaxCellLength = 64;

    /// <param name="result">The result.</param>
    /// <param name="line">Takes its lines.</param>
    /// <param name="note">Takes what stands beside a log: whoever keeps its lines keeps nothing else.</param>
    public static void Show(JsonElement result, Action<string, Tone> line, Action<string, Tone> note)
    {
        if (result.ValueKind != JsonValueKind.Object)
        {
            line(Text(result), Tone.Plain);
            return;
        }
        var members = result.EnumerateObject().ToList();
        var beside = line;
        if (members.FindAll(member => IsList(member.Value)) is [var only] && only.NameEquals("lines"))
        {
            // A log: its lines are the result, and what there is beside them is said only when it is something.
            members.RemoveAll(member => member.Value.ValueKind == JsonValueKind.Number && member.Value.GetRawText() == "0");
            beside = note;
        }
        var values = members.FindAll(member => !IsList(member.Value) && !member.NameEquals("truncated"));
        var width = values.Select(member => member.Name.Length).DefaultIfEmpty().Max();
        foreach (var member in values)
        {
            beside($"{member.Name.PadRight(width)}  {Text(member.Value)}", Tone.Plain);
        }
        foreach (var member in members.Where(member => IsList(member.Value)))
        {
            List(member, members.Count(other => IsList(other.Value)) > 1, line);
        }
        if (result.Flag("truncated") == true)
        {
            beside("… there is more than fits.", Tone.Warning);
        }
    }

    private static void List(JsonProperty list, bool named, Action<string, Tone> line)
    {
        if (named)
        {
            line(list.Name + ":", Tone.Quiet);
        }
        var items = list.Value.EnumerateArray().ToList();
        if (!items.TrueForAll(item => item.ValueKind == JsonValueKind.Object))
        {
            items.ForEach(item => line(Text(item), Tone.Plain));
            return;
        }
        var columns = items.SelectMany(item => item.EnumerateObject().Select(member => member.Name)).Distinct().ToList();
        var widths = columns.ConvertAll(column => items.Select(item => Cell(item, column).Length).Append(column.Length).Max());
        if (columns.Count > 0)
        {
            line(Row(columns.Select((column, i) => column.ToUpperInvariant().PadRight(widths[i]))), Tone.Quiet);
        }
        items.ForEach(item => line(Row(columns.Select((column, i) => Cell(item, column).PadRight(widths[i]))), Tone.Plain));
    }

    private static bool IsList(JsonElement value) => value.ValueKind == JsonValueKind.Array;

    private static string Row(IEnumerable<string> cells) => string.Join("  ", cells).TrimEnd();

    private static string Cell(JsonElement item, string column)
    {
        var text = item.Member(column) is { ValueKind: not JsonValueKind.Undefined } value ? Text(value) : "";
        return text.Length <= MaxCellLength ? text : text[..(MaxCellLength - 1)] + "…";
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
