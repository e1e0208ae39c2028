using System.Text;
using System.Text.Json;

namespace LogLine.Api.Ledger;

/// <summary>
/// What an array's idempotency key stands for: per item the index of its span, or the answer that it got instead. Text, so that it
/// can be read in the database.
/// </summary>
public static class KeyItems
{
    /// <summary>Per item an index (from <paramref name="committed"/>, in order) where the answer is null.</summary>
    public static string Write(IReadOnlyList<byte[]?> answers, IEnumerable<long> committed)
    {
        using var next = committed.GetEnumerator();
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var answer in answers)
            {
                if (answer is null)
                {
                    next.MoveNext();
                    json.WriteNumberValue(next.Current);
                }
                else
                {
                    json.WriteRawValue(answer);
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
