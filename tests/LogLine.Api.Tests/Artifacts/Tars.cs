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

    /// <summary>A file as the oldest archives have it, whose header says no more than its name, its size and a checksum; the test can begin the header with more than the name, and change it afterwards.</summary>
    public static byte[] Old(byte[] beginning, byte[] content, Action<byte[]>? change = null)
    {
        var header = new byte[512];
        beginning.CopyTo(header, 0);
        if (header[124] == 0)
        {
            Encoding.ASCII.GetBytes(Convert.ToString(content.Length, 8).PadLeft(11, '0')).CopyTo(header, 124);
        }
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => (int)b), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        change?.Invoke(header);
        return [.. header, .. content, .. new byte[(512 - content.Length % 512) % 512]];
    }

    /// <inheritdoc cref="Old(byte[], byte[], Action{byte[]}?)"/>
    public static byte[] Old(string name, byte[] content, Action<byte[]>? change = null) => Old(Encoding.UTF8.GetBytes(name), content, change);

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
