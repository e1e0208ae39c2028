using System.Formats.Tar;
using System.Text;

namespace LogLine.Api.Tests.Artifacts;

/// <summary>Tars for tests.</summary>
internal static class Tars
{
    /// <summary>Files by name and text.</summary>
    public static byte[] Of(params (string Name, string Text)[] files) =>
        Of([.. files.Select(file => (TarEntry)new PaxTarEntry(TarEntryType.RegularFile, file.Name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(file.Text)), Mode = (UnixFileMode)0b110_100_100 })]);

    public static byte[] Of(params TarEntry[] entries)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var entry in entries)
            {
                writer.WriteEntry(entry);
            }
        }
        return tar.ToArray();
    }

    public static TarEntry Link(string name, string target, TarEntryType type = TarEntryType.SymbolicLink) => new PaxTarEntry(type, name) { LinkName = target };

    /// <summary>Names and texts of the files in a tar; of a link where it leads.</summary>
    public static IReadOnlyDictionary<string, string> Read(byte[] tar)
    {
        var found = new Dictionary<string, string>();
        using var reader = new TarReader(new MemoryStream(tar));
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            found[entry.Name.TrimEnd('/')] = entry.LinkName.Length > 0 ? "→ " + entry.LinkName : entry.DataStream is null ? "" : new StreamReader(entry.DataStream).ReadToEnd();
        }
        return found;
    }
}
