using System.IO.Compression;

namespace LogLine.Fuzz.Mutation;

/// <summary>Changes of a zip: its files (names, content, attributes, twice, none), or the bytes of its directory, which then lies.</summary>
internal static class Zips
{
    private const int MaxContent = 1 << 20;
    private static readonly string[] Names = ["manifest.json", "../manifest.json", "/manifest.json", "artifacts/", "artifacts/../manifest.json", "artifacts\\x", "MANIFEST.JSON", "manifest.json/", "artifacts/" + new string('0', 64), "con", "a:b", ""];

    /// <summary>Changes files half of the time, bytes the other.</summary>
    public static byte[] Change(byte[] input, byte[] other, Random random)
    {
        if (random.Next(2) == 0)
        {
            return Bytes.Change(input, other, random);
        }
        try
        {
            return Rewritten(input, random);
        }
        catch (Exception damaged) when (damaged is InvalidDataException or IOException or NotSupportedException or ArgumentException or OverflowException)
        {
            return Bytes.Change(input, other, random);
        }
    }

    private static byte[] Rewritten(byte[] input, Random random)
    {
        using var output = new MemoryStream();
        using (var from = new ZipArchive(new MemoryStream(input), ZipArchiveMode.Read))
        using (var to = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            var files = from.Entries.Take(16).ToList();
            var chosen = random.Next(files.Count + 1);
            for (var i = 0; i < files.Count; i++)
            {
                var (change, content) = (i == chosen ? random.Next(7) : -1, Content(files[i]));
                for (var copies = change switch { 0 => 0, 1 => 2, 2 when random.Next(20) == 0 => 300, _ => 1 }; copies > 0; copies--)
                {
                    Add(to, change == 3 ? Name(random) : files[i].FullName, change switch
                    {
                        4 => Json.Change(content, content, random),
                        5 => new byte[random.Next(random.Next(8) == 0 ? MaxContent : 100_000)],
                        _ => content,
                    }, change == 6 ? random.Next() << 16 : files[i].ExternalAttributes, random);
                }
            }
            if (chosen == files.Count)
            {
                Add(to, Name(random), [1, 2, 3], 0, random);
            }
        }
        return output.ToArray();
    }

    private static void Add(ZipArchive zip, string name, byte[] content, int attributes, Random random)
    {
        var entry = zip.CreateEntry(name.Length == 0 ? "-" : name, random.Next(2) == 0 ? CompressionLevel.Fastest : CompressionLevel.NoCompression);
        entry.ExternalAttributes = attributes;
        using var stream = entry.Open();
        stream.Write(content);
    }

    private static string Name(Random random) => random.Next(2) == 0 ? Names[random.Next(Names.Length)] : Words.Any(random);

    private static byte[] Content(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var content = new byte[MaxContent];
        return content[..stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)];
    }
}
