using System.IO.Compression;
using System.Text;
using LogLine.Fuzz.Mutation;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Fuzz.Targets;

/// <summary>The reader of <c>.llc</c> files. What it takes can be written again, and then is the same archive.</summary>
internal sealed class ArchiveTarget : IFuzzTarget
{
    public IReadOnlyList<byte[]> Seeds { get; } = [LlcArchive.Write(Manifest(), []), LlcArchive.Write(Manifest("one"), ["one"u8.ToArray()]), LlcArchive.Write(Manifest("one", "two"), ["one"u8.ToArray(), "two"u8.ToArray()]), Foreign()];

    public byte[] Mutate(byte[] input, byte[] other, Random random) => Zips.Change(input, other, random);

    public string Run(byte[] input)
    {
        if (!LlcArchive.TryRead(input, out var archive, out var problem))
        {
            return "refused " + JsonTarget.Kind(problem.TrimStart('\'')) + (LlcArchive.IsZip(input) ? " zip" : "");
        }
        var written = LlcArchive.Write(archive.Manifest, archive.Artifacts.Values);
        if (!LlcArchive.TryRead(written, out var again, out problem))
        {
            throw new BrokenPromiseException("What was read cannot be read when it is written again: " + problem);
        }
        if (!again.Manifest.Utf8.Span.SequenceEqual(archive.Manifest.Utf8.Span) || !again.Artifacts.Keys.Order().SequenceEqual(archive.Artifacts.Keys.Order()))
        {
            throw new BrokenPromiseException("What was read is another archive when it is written again.");
        }
        return $"read {archive.Artifacts.Count}";
    }

    private static CanonicalJson Manifest(params string[] artifacts) => CanonicalJson.Parse(
        $$"""{"type":"ll.minicontainer.v1","version":"1.0.0","artifacts":[{{string.Join(',', artifacts.Select(text => $$"""{"id":"{{text}}","hash":"{{ContentHash.Of(Encoding.UTF8.GetBytes(text))}}"}"""))}}]}""");

    // As another program packs it: a folder entry, a comment, a compressed artifact.
    private static byte[] Foreign()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            zip.Comment = "packed elsewhere";
            zip.CreateEntry("artifacts/");
            using var content = zip.CreateEntry("manifest.json", CompressionLevel.SmallestSize).Open();
            content.Write(Manifest().Utf8.Span);
        }
        return stream.ToArray();
    }

    public void Renew()
    {
    }

    public void Dispose()
    {
    }
}
