using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace LogLine.Fuzz.Mutation;

/// <summary>Changes of a JSON document as a tree: values, members, elements, depth, length. What is no JSON is changed as bytes.</summary>
internal static class Json
{
    private const int MaxPlaces = 2_000;
    private const int MaxDepth = 40;
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 64, AllowDuplicateProperties = false };
    private static readonly JsonSerializerOptions Writing = new() { MaxDepth = 200, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string[] Numbers = ["0", "-0", "1", "-1", "255", "65536", "2147483648", "9007199254740991", "9007199254740992", "-9007199254740991", "1.0", "0.1", "1e1", "1E400", "-1e-400", "123456789012345678901234567890"];

    /// <summary>Mostly one change, at most four; now and then as bytes.</summary>
    public static byte[] Change(ReadOnlySpan<byte> input, ReadOnlySpan<byte> other, Random random)
    {
        if (random.Next(16) == 0 || Parse(input) is not { } root)
        {
            return Bytes.Change(input, other, random);
        }
        var donor = Parse(other);
        for (var changes = random.Next(3) > 0 ? 1 : 1 + random.Next(4); changes > 0; changes--)
        {
            root = One(root, donor, random) ?? JsonValue.Create(0);
        }
        return Write(root);
    }

    /// <summary>The tree, or null for what is none. A node reads its texts late, so texts that it could not read are no tree from the start.</summary>
    public static JsonNode? Parse(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json) || json.IndexOf("\\ud"u8) >= 0 || json.IndexOf("\\uD"u8) >= 0)
        {
            return null;
        }
        try
        {
            return JsonNode.Parse(json, null, Reading);
        }
        catch (Exception none) when (none is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The document of a tree.</summary>
    public static byte[] Write(JsonNode root)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(root, Writing);
        }
        catch (Exception none) when (none is ArgumentException or InvalidOperationException or JsonException)
        {
            return Encoding.UTF8.GetBytes("{\"text\":\"\\ud800\"}"); // a text that is no Unicode, as another sender would spell it
        }
    }

    private static JsonNode? One(JsonNode root, JsonNode? donor, Random random)
    {
        var places = Places(root);
        if (places.Count == 0)
        {
            return Value(random, 2);
        }
        // The deeper of two, since what stands at the top is what is judged first.
        var (holder, key, index) = places[Math.Max(random.Next(places.Count), random.Next(places.Count))];
        switch (random.Next(12))
        {
            case 0 or 1:
                Set(holder, key, index, Value(random, 3));
                break;
            case 2:
                Remove(holder, key, index);
                break;
            case 3 when donor is not null && Places(donor) is { Count: > 0 } theirs:
                var (from, name, at) = theirs[random.Next(theirs.Count)];
                Set(holder, key, index, Get(from, name, at)?.DeepClone());
                break;
            case 4 when holder is JsonObject members:
                members[Words.Any(random)] = random.Next(2) == 0 ? Get(holder, key, index)?.DeepClone() : Value(random, 2);
                break;
            case 5 when key is not null:
                var moved = Get(holder, key, index);
                Remove(holder, key, index);
                ((JsonObject)holder)[Words.Any(random)] = moved;
                break;
            case 6 when random.Next(40) == 0:
                Multiply(holder, Get(holder, key, index), random);
                break;
            case 7:
                Set(holder, key, index, Wrapped(Get(holder, key, index)?.DeepClone(), random));
                break;
            case 8:
                var (otherHolder, otherKey, otherIndex) = places[random.Next(places.Count)];
                Set(holder, key, index, Get(otherHolder, otherKey, otherIndex)?.DeepClone());
                break;
            default:
                Set(holder, key, index, Changed(Get(holder, key, index), random));
                break;
        }
        return root;
    }

    private static JsonNode? Changed(JsonNode? value, Random random) => value?.GetValueKind() switch
    {
        JsonValueKind.String => JsonValue.Create(random.Next(3) == 0 ? Words.Any(random) : Texts.Change(value.GetValue<string>(), random)),
        JsonValueKind.Number => Number(random),
        JsonValueKind.True => JsonValue.Create(false),
        JsonValueKind.False => JsonValue.Create(true),
        JsonValueKind.Array when value.AsArray().Count > 0 => Shuffled(value.AsArray(), random),
        _ => Value(random, 3),
    };

    private static JsonArray Shuffled(JsonArray list, Random random)
    {
        var items = list.Select(item => item?.DeepClone()).Append(list[random.Next(list.Count)]?.DeepClone()).ToArray();
        random.Shuffle(items);
        return [.. items];
    }

    private static JsonNode? Value(Random random, int depth) => random.Next(depth > 0 ? 9 : 6) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next(2) == 0),
        2 => Number(random),
        3 or 4 or 5 => JsonValue.Create(random.Next(200) == 0 ? new string('a', random.Next(70_000)) : Words.Any(random)),
        6 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(_ => Words.Any(random)).Distinct().Select(name => KeyValuePair.Create(name, Value(random, depth - 1)))),
    };

    // As a document says it: what a number is to a program loses how it was written.
    private static JsonNode? Number(Random random) => JsonNode.Parse(random.Next(2) == 0 ? Numbers[random.Next(Numbers.Length)] : random.Next(-3, 100_000).ToString());

    private static JsonNode? Wrapped(JsonNode? value, Random random)
    {
        for (var levels = random.Next(4) == 0 ? random.Next(MaxDepth) : 1; levels > 0; levels--)
        {
            value = random.Next(2) == 0 ? new JsonArray(value) : new JsonObject { [Words.Any(random)] = value };
        }
        return value;
    }

    // Up to the limits of a body, and a little beyond.
    private static void Multiply(JsonNode holder, JsonNode? value, Random random)
    {
        var size = Math.Max(8, value is null ? 4 : Write(value).Length);
        var times = Math.Min(random.Next(12_000), 1_200_000 / size);
        for (var i = 0; i < times; i++)
        {
            switch (holder)
            {
                case JsonArray list:
                    list.Add(value?.DeepClone());
                    break;
                case JsonObject members:
                    members["m" + i] = value?.DeepClone();
                    break;
            }
        }
    }

    private static List<(JsonNode Holder, string? Key, int Index)> Places(JsonNode root)
    {
        var places = new List<(JsonNode, string?, int)>();
        var open = new Queue<JsonNode>([root]);
        while (open.TryDequeue(out var node) && places.Count < MaxPlaces)
        {
            switch (node)
            {
                case JsonObject members:
                    foreach (var (name, value) in members)
                    {
                        places.Add((members, name, -1));
                        Open(value);
                    }
                    break;
                case JsonArray list:
                    for (var i = 0; i < list.Count && places.Count < MaxPlaces; i++)
                    {
                        places.Add((list, null, i));
                        Open(list[i]);
                    }
                    break;
            }
        }
        return places;

        void Open(JsonNode? value)
        {
            if (value is JsonObject or JsonArray)
            {
                open.Enqueue(value);
            }
        }
    }

    private static JsonNode? Get(JsonNode holder, string? key, int index) => key is null ? ((JsonArray)holder)[index] : ((JsonObject)holder)[key];

    private static void Set(JsonNode holder, string? key, int index, JsonNode? value)
    {
        if (key is null)
        {
            ((JsonArray)holder)[index] = value;
        }
        else
        {
            ((JsonObject)holder)[key] = value;
        }
    }

    private static void Remove(JsonNode holder, string? key, int index)
    {
        if (key is null)
        {
            ((JsonArray)holder).RemoveAt(index);
        }
        else
        {
            ((JsonObject)holder).Remove(key);
        }
    }
}
