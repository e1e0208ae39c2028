namespace LogLine.Fuzz.Targets;

/// <summary>All targets, by name.</summary>
internal static class TargetTable
{
    private static readonly (string Name, string What, Func<IFuzzTarget> Open)[] Rows =
    [
        ("json", "canonical JSON: any bytes are read or refused, and what is read has one form", () => new JsonTarget()),
        ("schema", "JSON Schema: any schema is loaded or refused, any instance judged alike in both ways", () => new SchemaTarget()),
        ("paragraph", "the grammar of /v1/universal: any text with any context gets an answer, always the same", () => new ParagraphTarget()),
        ("archive", ".llc archives: any bytes are read or refused", () => new ArchiveTarget()),
        ("gate", "rows 4 to 18 in memory: spans and arrays, signed and unsigned, nothing committed", () => new GateTarget()),
        ("http", "the whole gateway from request to commit: every route, headers, signatures, bodies", () => new HttpTarget()),
    ];

    /// <summary>Name and meaning.</summary>
    public static IEnumerable<(string Name, string What)> All => Rows.Select(row => (row.Name, row.What));

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Rows.Select(row => row.Name)];

    /// <summary>Opens a target.</summary>
    public static IFuzzTarget Open(string name) => Rows.Single(row => row.Name == name).Open();
}
