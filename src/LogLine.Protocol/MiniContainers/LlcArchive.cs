using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// A MiniContainer in one file: a zip with <c>manifest.json</c> and <c>artifacts/&lt;hash hex&gt;</c> (contract, section 7). No other paths, no
/// links, no encryption, nothing twice; every artifact is named by the BLAKE3 that its bytes have, and the manifest names every artifact.
/// </summary>
public sealed class LlcArchive
{
    /// <summary>The most that all files may have, unpacked: 64 MiB.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>How many times larger than its packed form a file may be.</summary>
    public const int MaxRatio = 100;

    /// <summary>Files at most: the manifest and what it can name.</summary>
    public const int MaxFiles = 257;

    private const string ManifestName = "manifest.json";
    private const string ArtifactFolder = "artifacts/";
    private const int UnixLink = 0xA000;
    private const int UnixFile = 0x8000;
    private const int UnixTypeMask = 0xF000;

    // The oldest time that a zip can say: the same content makes the same bytes.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private LlcArchive(CanonicalJson manifest, IReadOnlyDictionary<string, byte[]> artifacts) => (Manifest, Artifacts) = (manifest, artifacts);

    /// <summary>The manifest; what it says is not judged here.</summary>
    public CanonicalJson Manifest { get; }

    /// <summary>The bytes of the artifacts by their hash (<c>blake3:…</c>).</summary>
    public IReadOnlyDictionary<string, byte[]> Artifacts { get; }

    /// <summary>True when the bytes begin as a zip does.</summary>
    public static bool IsZip(ReadOnlySpan<byte> bytes) => bytes.StartsWith("PK\x03\x04"u8);

    /// <summary>Reads an archive whole, in memory of at most <see cref="MaxBytes"/> and one buffer, or says what is wrong with it.</summary>
    public static bool TryRead(byte[] bytes, [NotNullWhen(true)] out LlcArchive? archive, [NotNullWhen(false)] out string? problem)
    {
        archive = null;
        try
        {
            using var zip = new ZipArchive(new MemoryStream(bytes, writable: false), ZipArchiveMode.Read);
            var files = new Dictionary<string, byte[]>();
            problem = ReadFiles(zip, files) ?? ReadContent(files, out archive);
            return archive is not null;
        }
        catch (Exception damaged) when (damaged is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            problem = $"it is not a zip file, or a damaged one: {damaged.Message}";
            return false;
        }
    }

    /// <summary>Writes an archive; the same manifest and artifacts make the same bytes.</summary>
    /// <exception cref="ArgumentException">An artifact is not named by the manifest, or it would be too large.</exception>
    public static byte[] Write(CanonicalJson manifest, IEnumerable<byte[]> artifacts)
    {
        var contents = artifacts.ToList();
        var bytes = Pack(manifest, contents, CompressionLevel.Optimal);
        if (TryRead(bytes, out _, out var problem))
        {
            return bytes;
        }
        // A manifest that says the same over and over gets smaller than a reader believes.
        bytes = Pack(manifest, contents, CompressionLevel.NoCompression);
        return TryRead(bytes, out _, out _) ? bytes : throw new ArgumentException(problem);
    }

    private static byte[] Pack(CanonicalJson manifest, List<byte[]> artifacts, CompressionLevel ofManifest)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, ManifestName, manifest.Utf8.Span, ofManifest);
            // Ciphertext does not get smaller.
            foreach (var (hash, content) in artifacts.DistinctBy(Hash).Select(content => (Hash(content), content)).OrderBy(file => file.Item1, StringComparer.Ordinal))
            {
                Add(zip, ArtifactFolder + hash[ContentHash.Prefix.Length..], content, CompressionLevel.NoCompression);
            }
        }
        return stream.ToArray();
    }

    private static string? ReadFiles(ZipArchive zip, Dictionary<string, byte[]> files)
    {
        if (zip.Entries.Count > MaxFiles)
        {
            return $"it has {zip.Entries.Count} files; at most {MaxFiles} are taken";
        }
        var left = MaxBytes;
        foreach (var entry in zip.Entries)
        {
            if (Refusal(entry, left) is { } refusal)
            {
                return refusal;
            }
            if (Read(entry, left) is not { } content)
            {
                return $"{Shown(entry)} is longer than the zip says, or the files are over {MaxBytes >> 20} MiB unpacked";
            }
            left -= content.Length;
            if (!files.TryAdd(entry.FullName, content))
            {
                return $"{Shown(entry)} stands twice";
            }
        }
        return null;
    }

    private static string? Refusal(ZipArchiveEntry entry, int left)
    {
        var name = entry.FullName;
        if (name != ManifestName && !(name.StartsWith(ArtifactFolder, StringComparison.Ordinal) && IsHash(name.AsSpan(ArtifactFolder.Length))))
        {
            return $"{Shown(entry)} has no place in it: only {ManifestName} and {ArtifactFolder}<64 lower-case hex characters> do";
        }
        if (((entry.ExternalAttributes >> 16) & UnixTypeMask) is not (0 or UnixFile) and var type)
        {
            return $"{Shown(entry)} is {(type == UnixLink ? "a link" : "no plain file")}";
        }
        if (entry.IsEncrypted)
        {
            return $"{Shown(entry)} is encrypted by the zip itself; artifacts are encrypted before they are packed";
        }
        if (entry.Length > left)
        {
            return $"{Shown(entry)} makes it more than {MaxBytes >> 20} MiB unpacked";
        }
        return entry.Length > entry.CompressedLength * MaxRatio ? $"{Shown(entry)} unpacks to more than {MaxRatio} times its size" : null;
    }

    /// <summary>The content, or null when there is more of it than the zip's directory says: that is what a bomb lies about.</summary>
    private static byte[]? Read(ZipArchiveEntry entry, int left)
    {
        var content = new byte[Math.Min(entry.Length, left)];
        using var stream = entry.Open();
        stream.ReadExactly(content);
        return stream.ReadByte() < 0 ? content : null;
    }

    private static string? ReadContent(Dictionary<string, byte[]> files, out LlcArchive? archive)
    {
        archive = null;
        if (!files.Remove(ManifestName, out var text))
        {
            return $"it has no {ManifestName}";
        }
        if (text.Length > JsonLimits.BodyBytes)
        {
            return $"{ManifestName} is over {JsonLimits.BodyBytes >> 20} MiB";
        }
        if (!CanonicalJson.TryRead(text, out var manifest, out var fault))
        {
            return $"{ManifestName}: {fault.Message}";
        }
        if (manifest.Obstacles.Count > 0)
        {
            return $"{ManifestName}: {string.Join(' ', manifest.Obstacles.Select(obstacle => obstacle.Message))}";
        }
        var named = manifest.Root.Items("artifacts").Select(artifact => artifact.Text("hash")).ToHashSet();
        var artifacts = new Dictionary<string, byte[]>();
        foreach (var (name, content) in files)
        {
            var hash = ContentHash.Prefix + name[ArtifactFolder.Length..];
            if (Hash(content) != hash)
            {
                return $"{name} has another hash than its name says: {Hash(content)}";
            }
            if (!named.Contains(hash))
            {
                return $"{name} is not one of the manifest's artifacts";
            }
            artifacts.Add(hash, content);
        }
        archive = new LlcArchive(manifest, artifacts);
        return null;
    }

    private static void Add(ZipArchive zip, string name, ReadOnlySpan<byte> content, CompressionLevel level)
    {
        var entry = zip.CreateEntry(name, level);
        entry.LastWriteTime = Epoch;
        entry.ExternalAttributes = (UnixFile | Convert.ToInt32("644", 8)) << 16;
        using var stream = entry.Open();
        stream.Write(content);
    }

    private static string Hash(byte[] content) => ContentHash.Of(content);

    private static bool IsHash(ReadOnlySpan<char> text) => text.Length == 64 && !text.ContainsAnyExcept("0123456789abcdef");

    // A name comes from a stranger: bounded, and without what a terminal obeys.
    private static string Shown(ZipArchiveEntry entry) =>
        $"'{string.Concat(entry.FullName.Take(80).Select(c => char.IsControl(c) ? '\uFFFD' : c))}'";
}
