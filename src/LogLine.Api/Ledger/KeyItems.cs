using System.Text;
using System.Text.Json;

namespace LogLine.Api.Ledger;

/// <summary>An item of an array: the span of that ordinal among those that the request commits, or the answer that it got instead.</summary>
public readonly record struct KeyItem(int Ordinal, byte[]? Answer);

/// <summary>
/// What an array's idempotency key stands for: per item the index of its span, or the answer that it got instead. Text, so that it
/// can be read in the database.
/// </summary>
public static class KeyItems
{
    /// <summary>Per item the index of its span, one of <paramref name="committed"/>, or its answer.</summary>
    public static string Write(IReadOnlyList<KeyItem> items, IReadOnlyList<long> committed)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var item in items)
            {
                if (item.Answer is null)
                {
                    json.WriteNumberValue(committed[item.Ordinal]);
                }
                else
                {
                    json.WriteRawValue(item.Answer);
                }
            }
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Per item the index of its span, or the stored answer.</summary>
    public static IReadOnlyList<(long? Index, byte[]? Answer)> Read(string items)
    {
        using var json = JsonDocument.Parse(items);
        return [.. json.RootElement.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number
            ? ((long?)item.GetInt64(), null)
            : ((long?)null, Encoding.UTF8.GetBytes(item.GetRawText())))];
    }
}
