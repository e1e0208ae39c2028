using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>Documents with a canonical form, of everything that is hard to spell alike; each seed makes the same ones.</summary>
internal static class RandomDocuments
{
    private static readonly string[] Alphabet =
    [
        "a", "b", "Z", "0", " ", "\"", "\\", "/", "\b", "\n", "\t", "\u0000", "\u001f", "\u007f", "\u00e9", "e\u0301", "\u212b", "A\u030a", "\u1e9b\u0323", "\u0323\u0307",
        "\uac00", "\u1100\u1161", "\u2028", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0001d15e", "\U0001f600", "\U0010ffff",
    ];

    /// <summary>Combining marks of many classes; some become two, some are behind all others, one is none.</summary>
    private static readonly string[] Marks =
    [
        "\u0301", "\u0307", "\u0323", "\u0327", "\u0315", "\u0334", "\u0338", "\u0344", "\u0345", "\u05b0", "\u05bc", "\u064b", "\u0651", "\u093c", "\u094d", "\u0f71", "\u0f73", "\u0e38", "\u302a", "\u3099",
        "\u20dd", "\u0903", "\U0001d165", "\U0001d16e", "\u1ab0", "\u0300", "\u034f",
    ];

    /// <summary>A document of at most five levels, as JSON.</summary>
    public static string Next(Random random) => Document(random, 4)?.ToJsonString() ?? "null";

    /// <summary>NFC. U+FFFE is inert in NFC; the runtime refuses to normalise a string that holds it.</summary>
    public static string Nfc(string text) => string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(NormalizationForm.FormC)));

    private static JsonNode? Document(Random random, int depth) => random.Next(depth > 0 ? 7 : 5) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next(2) == 0),
        2 => JsonValue.Create(random.NextInt64(-JsonLimits.Integer, JsonLimits.Integer + 1)),
        3 or 4 => JsonValue.Create(Text(random)),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Document(random, depth - 1))]),
        _ => Object(random, depth),
    };

    private static JsonObject Object(Random random, int depth)
    {
        var made = new JsonObject();
        var taken = new HashSet<string>();
        for (var i = random.Next(8); i > 0; i--)
        {
            var key = Text(random);
            if (taken.Add(Nfc(key)))
            {
                made[key] = Document(random, depth - 1);
            }
        }
        return made;
    }

    private static string Text(Random random) => random.Next(40) == 0 ? Marked(random) : string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));

    /// <summary>A letter under more marks than any writing has.</summary>
    private static string Marked(Random random) => Alphabet[random.Next(Alphabet.Length)] + string.Concat(Enumerable.Range(0, random.Next(10, 60)).Select(_ => Marks[random.Next(Marks.Length)])) + "é";

    /// <summary>The same document with members shuffled, white space strewn in and any character escaped.</summary>
    public static string Respelled(JsonNode? node, Random random)
    {
        var text = new StringBuilder();
        Write(node);
        return text.ToString();

        void Write(JsonNode? part)
        {
            Space();
            switch (part)
            {
                case JsonObject made:
                    text.Append('{');
                    var members = made.ToArray();
                    random.Shuffle(members);
                    for (var i = 0; i < members.Length; i++)
                    {
                        text.Append(i > 0 ? "," : "");
                        Space();
                        Quote(members[i].Key);
                        Space();
                        text.Append(':');
                        Write(members[i].Value);
                    }
                    text.Append('}');
                    break;
                case JsonArray list:
                    text.Append('[');
                    for (var i = 0; i < list.Count; i++)
                    {
                        text.Append(i > 0 ? "," : "");
                        Write(list[i]);
                    }
                    text.Append(']');
                    break;
                case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                    Quote(value.GetValue<string>());
                    break;
                default:
                    text.Append(part?.ToJsonString() ?? "null");
                    break;
            }
            Space();
        }

        void Space() => text.Append(" \n\t\r"[random.Next(4)], random.Next(2));

        void Quote(string value)
        {
            text.Append('"');
            foreach (var unit in value)
            {
                // Surrogates stay escaped, both or none: half a pair must not stand raw beside half an escape.
                _ = unit < 0x20 || unit is '"' or '\\' || char.IsSurrogate(unit) || random.Next(3) == 0
                    ? text.Append($"\\u{(random.Next(2) == 0 ? ((int)unit).ToString("x4") : ((int)unit).ToString("X4"))}")
                    : text.Append(unit);
            }
            text.Append('"');
        }
    }
}
