using System.Text.Json;

namespace LogLine.Fuzz.Mutation;

/// <summary>What is likely to mean something: every name and text of the repository's schemas, and texts that parsers stumble over.</summary>
internal static class Words
{
    private static readonly Lazy<string[]> Schemas = new(ReadSchemas);

    /// <summary>Texts that are hard on somebody: Unicode, numbers, escapes, paths, long runs.</summary>
    public static readonly string[] Hard =
    [
        "", " ", "\t", "\n", "\r\n", "\0", "\u0001", "\u001b[31m", "\u007f", "\u0085", "\u00a0", "\u00ad", "e\u0301", "é", "ß", "İ", "ı", "ſ", "ﬀ", "Å", "\u212b", "\u0323\u0307", "\u1100\u1161", "가", "\u200b", "\u200d", "\u202e",
        "\u2028", "\ufeff", "\ufffd", "\ufffe", "\uffff", "🦭", "\U0001d15e", "\U0010ffff", "日本", "../../etc/passwd", "/", "\\", "//", "~", "~0~1", "#", "?", "&", "%", "%00", "%2e%2e", "'", "\"", "`id`", "$(id)", "${HOME}", "<b>",
        "null", "true", "false", "0", "-0", "-1", "1e400", "0x10", "NaN", "9007199254740991", "9007199254740992", "99999999999999999999999999", "١٢٣", "*", "**", "a*", "{}", "[]", "{", "}", "{tenant}", "urn:", "urn:x", "urn:tenant:dev",
        "urn:tenant:other", "urn:span:00000000-0000-0000-0000-000000000000", "urn:span:FFFFFFFF-0000-0000-0000-000000000000", "urn:minicontainer:dev/web", "urn:minicontainer:other/web", "urn:container:dev/web",
        "urn:registry:person/joana", "urn:wallet:dev", "mc:dev/web@blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "mc:dev/web@blake3:0123", "mc:", "blake3:", "sha256:",
        "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "run_00000000000000000000000000000000", "grant://g1", "grant://", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000Z", "2026-02-30T25:61:61Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2026-11-21T12:00:00+14:00", "17/11/2025", "PT15M", "PT", "P1Y2M3DT4H5M6S", "P99999999999D", "1.5G", "512m", "18446744073709551616", "-1k", "256M", "0.5", "1h", "10s", "1d2h",
        "http://127.0.0.1/", "http://[::1]:99999/", "https://example.com/hook", "file:///etc/passwd", "javascript:alert(1)", "a@b", "joana@example.com", "a@" + "b.c", "+351912345678", "localhost/web:1", "docker.io/library/alpine:latest",
        "alpine@sha256:0123", "UPPER/case:tag", "podman", "docker", "kubernetes", "railway", "dev", "other", "prd", "ed25519-blake3", "kid_sign_1", "kid_other", "run:", "deploy.apply", "deploy.*", "*.*", "gate.refused", "run_state.running",
    ];

    /// <summary>Names of members, values of enums, examples: what the schemas themselves say.</summary>
    public static string[] OfSchemas => Schemas.Value;

    /// <summary>The schema files, beside the program.</summary>
    public static IEnumerable<string> Files => Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "schemas"), "*.schema.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    /// <summary>One of all.</summary>
    public static string Any(Random random) => random.Next(2) == 0 ? Hard[random.Next(Hard.Length)] : OfSchemas[random.Next(OfSchemas.Length)];

    private static string[] ReadSchemas()
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in Files)
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            Collect(document.RootElement, found);
        }
        return [.. found];
    }

    private static void Collect(JsonElement value, SortedSet<string> found)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    found.Add(member.Name);
                    Collect(member.Value, found);
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    Collect(item, found);
                }
                break;
            case JsonValueKind.String when value.GetString() is { Length: <= 200 } text:
                found.Add(text);
                break;
        }
    }
}
