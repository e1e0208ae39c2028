using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Secrets;

/// <summary>
/// Puts <c>«grant:&lt;id&gt;»</c> where a secret stands in what a container said (containers, "Logs"). A secret of several lines is recognised line by line too, since
/// logs come in lines. It sees the value as it is: what code inside the container encodes before it prints it goes through (contract, section 6).
/// </summary>
public sealed class SecretMask
{
    /// <summary>Lines of a longer secret that are shorter than this say too little to be recognised by: they would blacken everything.</summary>
    private const int LeastLine = 6;

    /// <summary>So much of a secret's end is taken for what is left of it at the beginning of a line; less says too little, and many lines begin with it.</summary>
    private const int LeastRest = 4;

    private const string Withheld = "«withheld: the secrets in it cannot be recognised»";

    private readonly IReadOnlyList<(string Value, string Shown)> _values;
    private readonly bool _hidesAll;

    private SecretMask(IReadOnlyList<(string, string)> values, bool hidesAll = false) => (_values, _hidesAll) = (values, hidesAll);

    /// <summary>Nothing to hide.</summary>
    public static SecretMask None { get; } = new([]);

    /// <summary>Hides all, where what is to be hidden is not known.</summary>
    public static SecretMask Everything { get; } = new([], hidesAll: true);

    /// <summary>A mask for these secrets.</summary>
    public static SecretMask Of(IEnumerable<OpenedGrant> opened)
    {
        var values = new List<(string Value, string Shown)>();
        foreach (var grant in opened)
        {
            var text = Encoding.UTF8.GetString(grant.Secret.Reveal());
            var shown = $"«grant:{grant.GrantId}»";
            values.Add((text, shown));
            values.Add((text.Trim('\r', '\n'), shown)); // a file's last line has an end, which the line of a log has not
            values.AddRange(text.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length >= LeastLine && line != text).Select(line => (line, shown)));
        }
        // The longest first: a value that is part of another one must not break it apart.
        return new SecretMask([.. values.Where(value => value.Value.Length > 0).DistinctBy(value => value.Value).OrderByDescending(value => value.Value.Length)]);
    }

    /// <summary>True when there is something to hide.</summary>
    public bool Hides => _hidesAll || _values.Count > 0;

    /// <summary>The text without secrets.</summary>
    public string Apply(string text)
    {
        if (_hidesAll)
        {
            return Withheld;
        }
        foreach (var (value, shown) in _values)
        {
            text = text.Replace(value, shown, StringComparison.Ordinal);
        }
        return text;
    }

    /// <summary>The same for a text that was cut: what is left of a secret at that edge is not recognised as a whole, and hidden too.</summary>
    /// <param name="text">The text.</param>
    /// <param name="atStart">Its beginning is missing; else its end.</param>
    public string ApplyToCut(string text, bool atStart) => HideRest(Apply(text), atStart, least: 1);

    /// <summary>The same for a line of an engine's log. The engine begins the log anew where it is full, be that in the middle of a line: it may begin with what is left of a secret.</summary>
    /// <param name="line">The line.</param>
    /// <param name="isCut">Its end is missing.</param>
    public string ApplyToLine(string line, bool isCut = false) => HideRest(isCut ? ApplyToCut(line, atStart: false) : Apply(line), atStart: true, LeastRest);

    private string HideRest(string text, bool atStart, int least)
    {
        if (_hidesAll || _values.Count == 0)
        {
            return text;
        }
        text = atStart ? text.TrimStart('\uFFFD') : text.TrimEnd('\uFFFD'); // half a character
        var (left, shown) = _values.Select(value => (Left: LeftOf(value.Value, text, atStart), value.Shown)).MaxBy(found => found.Left);
        return left < least ? text : atStart ? shown + text[left..] : text[..^left] + shown;
    }

    /// <summary>How much of a secret stands at the edge.</summary>
    private static int LeftOf(string value, string text, bool atStart)
    {
        for (var left = Math.Min(value.Length - 1, text.Length); left > 0; left--)
        {
            if (atStart ? text.AsSpan().StartsWith(value.AsSpan(value.Length - left)) : text.AsSpan().EndsWith(value.AsSpan(0, left)))
            {
                return left;
            }
        }
        return 0;
    }

    /// <summary>The document without secrets, in values and in names.</summary>
    public JsonElement Apply(JsonElement document) => Hides ? CanonicalJson.Compose(json => Write(json, document)).Root : document;

    private void Write(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    json.WritePropertyName(_hidesAll ? member.Name : Apply(member.Name));
                    Write(json, member.Value);
                }
                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(json, item);
                }
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(Apply(value.GetString()!));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
