namespace LogLine.Protocol.Schema;

/// <summary>A checked <c>format</c>.</summary>
/// <param name="Name">As in the schema.</param>
/// <param name="Description">What is accepted, for messages.</param>
/// <param name="IsMatch">Judges the UTF-8 content of a string; allocates nothing, time linear in its length.</param>
internal sealed record TextFormat(string Name, string Description, TextFormat.Check IsMatch)
{
    public delegate bool Check(ReadOnlySpan<byte> utf8);

    private static readonly TextFormat[] Known = [];

    /// <summary>Null for a format that is not checked here.</summary>
    public static TextFormat? Find(string name) => Array.Find(Known, f => f.Name == name);
}
