using System.Formats.Tar;
using System.Text;
using LogLine.Api.Artifacts;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// A tar written anew, entry by entry, as it was read and judged here. Readers of tars differ (which checksums count, what a folder with content is, whose name a sparse file has), so that an engine that got the bytes themselves
/// could find in them what nobody has judged.
/// </summary>
internal static class RewrittenTar
{
    /// <summary>Copies what <paramref name="contents"/> lets pass; what it does not is left out, and named.</summary>
    /// <param name="tar">What is read.</param>
    /// <param name="destination">Where it is written.</param>
    /// <param name="contents">What may be in it.</param>
    /// <param name="cancel">Gives up.</param>
    /// <param name="changed">A file, by its path, that is to hold this text instead.</param>
    public static async Task<List<string>> WriteAsync(Stream tar, Stream destination, TarContents contents, CancellationToken cancel, (string Path, string Text)? changed = null)
    {
        var leftOut = new List<string>();
        await using var writer = new TarWriter(destination, TarEntryFormat.Pax, leaveOpen: true);
        await foreach (var entry in TarContents.ReadAsync(tar, cancel))
        {
            if (contents.Problem(entry) is null)
                await writer.WriteEntryAsync(changed is var (path, text) && entry.DataStream is not null && TarContents.Normal(entry.Name) == path ? Copy(entry, new MemoryStream(Encoding.UTF8.GetBytes(text))) : Copy(entry), cancel);
            else
                leftOut.Add(entry.Name.Length <= 256 ? entry.Name : entry.Name[..256]);
        }
        return leftOut;
    }

    // A copy, because the writer wants to know the length of what it writes before, and of a stream that cannot be rewound it does not ask the entry.
    static PaxTarEntry Copy(TarEntry entry, Stream? content = null)
    {
        var copy = new PaxTarEntry(Type(entry), entry.Name)
        {
            Mode = entry.Mode,
            ModificationTime = entry.ModificationTime,
            Uid = entry.Uid,
            Gid = entry.Gid,
        };
        if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink)
            copy.LinkName = entry.LinkName;
        if ((content ?? entry.DataStream) is { } data)
            copy.DataStream = content ?? new MeasuredStream(data, entry.Length);
        return copy;
    }

    // In the oldest archives a folder is a file whose name ends so.
    static TarEntryType Type(TarEntry entry) => entry.EntryType switch
    {
        TarEntryType.V7RegularFile when entry.Name.EndsWith('/') => TarEntryType.Directory,
        TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => TarEntryType.RegularFile,
        var same => same,
    };
}
