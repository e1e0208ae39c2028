using System.Runtime.InteropServices;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>
/// Equality of the draft (section 4.2.2): numbers by value, strings by content, objects without order. Values nested deeper than
/// <see cref="SchemaLimits.Depth"/> are equal to nothing.
/// </summary>
internal static class JsonEquality
{
    // Up to here looking each member up costs less than hashing both objects.
    private const int SmallObject = 16;

    public static bool AreEqual(JsonElement a, JsonElement b, int depth = 0)
    {
        if (a.ValueKind != b.ValueKind || depth > SchemaLimits.Depth)
            return false;
        switch (a.ValueKind)
        {
            case JsonValueKind.String:
                return TextsEqual(a, b);
            case JsonValueKind.Number:
                var x = JsonMarshal.GetRawUtf8Value(a);
                var y = JsonMarshal.GetRawUtf8Value(b);
                return x.SequenceEqual(y) || JsonNumber.Parse(x).CompareTo(JsonNumber.Parse(y)) == 0;
            case JsonValueKind.Array:
                return ArraysEqual(a, b, depth);
            case JsonValueKind.Object:
                return ObjectsEqual(a, b, depth);
            default:
                return true;
        }
    }

    /// <summary>Equal values have equal hashes; the seed is this process's, so nobody can prepare collisions.</summary>
    public static int Hash(JsonElement value, int depth = 0)
    {
        var hash = new HashCode();
        var kind = value.ValueKind;
        hash.Add((int)kind);
        if (depth > SchemaLimits.Depth)
            return hash.ToHashCode();
        switch (kind)
        {
            case JsonValueKind.String:
                using (var text = JsonText.Of(value))
                    hash.AddBytes(text.Utf8);
                break;
            case JsonValueKind.Number:
                JsonNumber.Parse(JsonMarshal.GetRawUtf8Value(value)).AddTo(ref hash);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    hash.Add(Hash(item, depth + 1));
                break;
            case JsonValueKind.Object:
                hash.Add(HashMembers(value, depth));
                break;
        }
        return hash.ToHashCode();
    }

    private static int HashMembers(JsonElement value, int depth)
    {
        var sum = 0;
        foreach (var member in value.EnumerateObject())
        {
            using var name = JsonText.OfName(member);
            var hash = new HashCode();
            hash.AddBytes(name.Utf8);
            hash.Add(Hash(member.Value, depth + 1));
            sum += hash.ToHashCode();
        }
        return sum;
    }

    private static bool TextsEqual(JsonElement a, JsonElement b)
    {
        using var x = JsonText.Of(a);
        using var y = JsonText.Of(b);
        return x.Utf8.SequenceEqual(y.Utf8);
    }

    private static bool ArraysEqual(JsonElement a, JsonElement b, int depth)
    {
        if (a.GetArrayLength() != b.GetArrayLength())
            return false;
        var other = b.EnumerateArray();
        foreach (var item in a.EnumerateArray())
        {
            other.MoveNext();
            if (!AreEqual(item, other.Current, depth + 1))
                return false;
        }
        return true;
    }

    private static bool ObjectsEqual(JsonElement a, JsonElement b, int depth)
    {
        var count = a.GetPropertyCount();
        if (count != b.GetPropertyCount())
            return false;
        if (count > SmallObject)
            return LargeObjectsEqual(a, b, depth);
        foreach (var member in a.EnumerateObject())
        {
            using var name = JsonText.OfName(member);
            if (!b.TryGetProperty(name.Utf8, out var other) || !AreEqual(member.Value, other, depth + 1))
                return false;
        }
        return true;
    }

    // Looking each of n members up among n would be quadratic; objects of this size are rare enough for a dictionary.
    private static bool LargeObjectsEqual(JsonElement a, JsonElement b, int depth)
    {
        var others = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in b.EnumerateObject())
            others[member.Name] = member.Value;
        foreach (var member in a.EnumerateObject())
        {
            if (!others.TryGetValue(member.Name, out var other) || !AreEqual(member.Value, other, depth + 1))
                return false;
        }
        return true;
    }
}
