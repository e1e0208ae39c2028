using System.Text.Json;

namespace LogLine.Protocol.Json;

/// <summary>Short reads from an element that may or may not have the member, or the type, asked for.</summary>
public static class JsonElements
{
    /// <summary>The string member <paramref name="name"/>, or null when it is absent or no string.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>True when the string member <paramref name="name"/> says just that; compared in place.</summary>
    public static bool Is(this JsonElement element, string name, string text) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    /// <summary>The integer member <paramref name="name"/>, or null.</summary>
    public static long? Integer(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number
            : null;

    /// <summary>The boolean member <paramref name="name"/>, or null.</summary>
    public static bool? Flag(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : null;

    /// <summary>The member <paramref name="name"/>, or an undefined element.</summary>
    public static JsonElement Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    /// <summary>The elements of the array member <paramref name="name"/>; none when it is absent or no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>The strings of the array member <paramref name="name"/>; other elements are left out.</summary>
    public static IReadOnlyList<string> Texts(this JsonElement element, string name) =>
        element.Member(name).ValueKind == JsonValueKind.Array
            ? [.. element.Items(name).Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)]
            : [];
}
