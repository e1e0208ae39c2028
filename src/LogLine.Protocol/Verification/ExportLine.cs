using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Verification;

/// <summary>
/// A ledger as text: one JSON object a line (NDJSON). The first says what the ledger is called; each further one is a row.
/// <code>
/// {"logline_export":1,"origin":"…","entries":41,"keys":[{"use":"log","kid":"log_…","public_key":"…","origin":"…","from":0,"until":null},…]}
/// {"table":"entries","key":["idx"],"row":{"idx":0,"entry":{"json":{…}},"span":{"json":{…}},"tenant":"dev",…},"digest":"5d0c…"}
/// </code>
/// A value is null, an integer, a text, or bytes: <c>{"json":…}</c> where they are a JSON text on one line, byte for byte, else <c>{"b64":"…"}</c>. A digest is 16 hex
/// digits, absent where the table has none. Public keys are hex; <c>entries</c> is how many there were when it began, for who shows how far it is.
/// </summary>
public static class ExportLine
{
    /// <summary>The version of the form.</summary>
    public const int Version = 1;

    /// <summary>Longest line that is read: a span or manifest of 1 MiB in base64, and what is beside it.</summary>
    public const int MaxBytes = 8 << 20;

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = JsonLimits.Depth + 8 };

    /// <summary>Writes the first line, with its newline.</summary>
    public static void WriteHeader(IBufferWriter<byte> output, LedgerTrust trust, long entries) => Write(output, json =>
    {
        json.WriteNumber("logline_export", Version);
        json.WriteString("origin", trust.Origin);
        json.WriteNumber("entries", entries);
        json.WriteStartArray("keys");
        foreach (var key in trust.Keys)
        {
            json.WriteStartObject();
            json.WriteString("use", key.Use);
            json.WriteString("kid", key.Kid);
            json.WriteString("public_key", Convert.ToHexStringLower(key.PublicKey));
            json.WriteString("origin", key.Origin);
            json.WriteNumber("from", key.From);
            if (key.Until is { } until)
            {
                json.WriteNumber("until", until);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    /// <summary>Reads the first line: who the ledger says that it is. A verifier believes no more of it than its own keys vouch for.</summary>
    public static bool TryReadHeader(ReadOnlyMemory<byte> line, out LedgerTrust trust, out long entries)
    {
        (trust, entries) = (null!, 0);
        try
        {
            using var json = JsonDocument.Parse(line, Reading);
            var keys = json.RootElement.Items("keys").Select(key => new LedgerKey(
                key.Text("use") ?? "", key.Text("kid") ?? "", Convert.FromHexString(key.Text("public_key") ?? ""), key.Text("origin") ?? "", key.Integer("from") ?? -1, key.Integer("until"))).ToList();
            trust = new LedgerTrust(json.RootElement.Text("origin") ?? "", keys);
            entries = json.RootElement.Integer("entries") ?? 0;
            return json.RootElement.Integer("logline_export") == Version && trust.Origin.Length > 0 && trust.LogKey is not null
                && keys.TrueForAll(key => key.Use is "log" or "span" && key.Kid.Length > 0 && key.PublicKey.Length == Crypto.Ed25519.PublicKeySize && key.Origin.Length > 0 && key.From >= 0);
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Writes a row, with its newline.</summary>
    public static void WriteRow(IBufferWriter<byte> output, StoredRow row) => Write(output, json =>
    {
        json.WriteString("table", row.Table.Name);
        json.WriteStartArray("key");
        foreach (var place in row.Table.Key)
        {
            json.WriteStringValue(row.Table.Columns[place]);
        }
        json.WriteEndArray();
        json.WriteStartObject("row");
        for (var i = 0; i < row.Values.Length; i++)
        {
            json.WritePropertyName(row.Table.Columns[i]);
            WriteValue(json, row.Values[i]);
        }
        json.WriteEndObject();
        if (row.Digest is { } digest)
        {
            json.WriteString("digest", digest.ToString("x16", CultureInfo.InvariantCulture));
        }
    });

    /// <summary>Reads a row; its table is <paramref name="before"/> when that has the same name and columns, so that a long table has one.</summary>
    /// <returns>Null when it is no row.</returns>
    public static StoredRow? TryReadRow(ReadOnlyMemory<byte> line, RowTable? before)
    {
        try
        {
            using var json = JsonDocument.Parse(line, Reading);
            if (json.RootElement.Text("table") is not { Length: > 0 } name || json.RootElement.Member("row") is not { ValueKind: JsonValueKind.Object } row)
            {
                return null;
            }
            var members = row.EnumerateObject().ToList();
            var values = new object?[members.Count];
            var same = before is not null && before.Name == name && before.Columns.Count == values.Length;
            for (var i = 0; i < values.Length; i++)
            {
                same = same && members[i].NameEquals(before!.Columns[i]);
                values[i] = ReadValue(members[i].Value);
            }
            var table = same ? before! : Table(name, members, json.RootElement);
            return new StoredRow(table, values, json.RootElement.Text("digest") is { Length: 16 } digest ? Convert.ToInt64(digest, 16) : null);
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }

    private static RowTable Table(string name, List<JsonProperty> members, JsonElement line)
    {
        string[] columns = [.. members.Select(member => member.Name)];
        int[] key = [.. line.Texts("key").Select(column => Array.IndexOf(columns, column))];
        return key.Contains(-1) || columns.Distinct().Count() != columns.Length ? throw new FormatException("The key is no column, or a column is there twice.") : new RowTable(name, columns, key);
    }

    private static void Write(IBufferWriter<byte> output, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(output, Writing))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        output.Write("\n"u8);
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case byte[] bytes when IsJsonOnOneLine(bytes):
                json.WriteStartObject();
                json.WritePropertyName("json");
                json.WriteRawValue(bytes, skipInputValidation: true);
                json.WriteEndObject();
                break;
            case byte[] bytes:
                json.WriteStartObject();
                json.WriteBase64String("b64", bytes);
                json.WriteEndObject();
                break;
            default:
                throw new ArgumentException($"A row holds no {value.GetType().Name}.", nameof(value));
        }
    }

    private static object? ReadValue(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number => value.GetInt64(),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object when value.TryGetProperty("json", out var json) => JsonMarshal.GetRawUtf8Value(json).ToArray(),
        JsonValueKind.Object when value.TryGetProperty("b64", out var text) => text.GetBytesFromBase64(),
        _ => throw new FormatException("A value is null, an integer, a text, or bytes."),
    };

    // What a reader gets back has to be these bytes, and the line must stay one.
    private static bool IsJsonOnOneLine(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2 || bytes[0] is not ((byte)'{' or (byte)'[') || bytes[^1] is not ((byte)'}' or (byte)']') || bytes.IndexOfAny((byte)'\n', (byte)'\r') >= 0)
        {
            return false;
        }
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = JsonLimits.Depth });
        try
        {
            while (reader.Read())
            {
                // A text that is not UTF-8 is found here; the reader itself does not look into it.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && !System.Text.Unicode.Utf8.IsValid(reader.ValueSpan))
                {
                    return false;
                }
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
