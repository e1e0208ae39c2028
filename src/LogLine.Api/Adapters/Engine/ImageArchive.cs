using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Artifacts;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// An image in a tar, as engines save it (<c>manifest.json</c>) or as an OCI layout (<c>index.json</c>, OCI image spec 1.1). Read and validated here, then
/// written anew for the engine: what the manifest does not name never reaches it, names that the archive gives itself neither.
/// </summary>
internal sealed class ImageArchive
{
    const int MaxJsonBytes = 4 << 20;
    const int MaxLayers = 128;

    static readonly string[] ManifestTypes = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
    static readonly string[] ConfigTypes = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
    static readonly string[] LayerTypes = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"];

    readonly FileStream tar;
    readonly Dictionary<string, (long Offset, long Length, string? Link)> entries;

    // Engines match names of members in any case.
    static readonly EngineJson Loose = new(new JsonSerializerOptions { PropertyNameCaseInsensitive = true });

    // Digests of layers as they are packed, where a manifest names them.
    readonly Dictionary<string, string> blobs = [];

    ImageArchive(FileStream tar, Dictionary<string, (long, long, string?)> entries) => (this.tar, this.entries) = (tar, entries);

    byte[] config = [];
    readonly List<(long Offset, long Length)> layers = [];

    /// <summary>Reads and validates.</summary>
    /// <exception cref="ArtifactException">It is no image, or not a whole one.</exception>
    public static async Task<ImageArchive> OpenAsync(FileStream tar, long maxBytes, CancellationToken cancel)
    {
        var entries = new Dictionary<string, (long, long, string?)>();
        await TarContents.CheckAsync(tar, maxBytes, entry =>
        {
            var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.EntryType != TarEntryType.Directory && !entries.TryAdd(name, (entry.DataOffset, entry.Length, entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink ? entry.LinkName : null)))
                throw Malformed($"'{name}' is in it twice");
            return Task.CompletedTask;
        }, cancel);
        var archive = new ImageArchive(tar, entries);
        var (configName, layerNames) = entries.ContainsKey("manifest.json") ? archive.OfEngine() : archive.OfOci();
        await archive.ValidateAsync(configName, layerNames, maxBytes, cancel);
        return archive;
    }

    /// <summary>Writes what was validated, under the one name that it is to have.</summary>
    public async Task WriteAsync(string reference, Stream destination, CancellationToken cancel)
    {
        await using var writer = new TarWriter(destination, TarEntryFormat.Pax, leaveOpen: true);
        var configName = Convert.ToHexStringLower(SHA256.HashData(config)) + ".json";
        var names = layers.Select((_, index) => $"layer-{index}.tar").ToArray();
        await WriteAsync(writer, configName, new MemoryStream(config), cancel);
        foreach (var (name, layer) in names.Zip(layers))
            await WriteAsync(writer, name, new Part(tar, layer.Offset, layer.Length), cancel);
        await WriteAsync(writer, "manifest.json", new MemoryStream(JsonSerializer.SerializeToUtf8Bytes([new ImageManifest(configName, [reference], names)], EngineJson.Default.ImageManifestArray)), cancel);
    }

    static async Task WriteAsync(TarWriter writer, string name, Stream data, CancellationToken cancel)
    {
        await using (data)
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = data }, cancel);
    }

    (string Config, IReadOnlyList<string> Layers) OfEngine()
    {
        var manifests = Json("manifest.json", EngineJson.Default.ImageManifestArray);
        return manifests is [{ Config: { } name, Layers: { } names }] && !names.Contains(null) ? (name, names) : throw Malformed($"manifest.json lists {manifests.Length} images with config and layers; one is expected");
    }

    (string Config, IReadOnlyList<string> Layers) OfOci()
    {
        if (!entries.ContainsKey("index.json"))
            throw Malformed("it has neither manifest.json nor index.json");
        var index = Json("index.json", EngineJson.Default.OciIndex).Manifests;
        if (index is not [var described])
            throw Malformed($"index.json lists {index?.Length ?? 0} images; one is expected");
        var name = Named(described, "its manifest", ManifestTypes);
        Verify(described.Digest!, Bytes(name));
        var manifest = Json(name, EngineJson.Default.OciManifest);
        if (manifest is not { SchemaVersion: 2, Config: { } config, Layers: { Length: <= MaxLayers } layers })
            throw Malformed($"its manifest is not of schema version 2 with a config and at most {MaxLayers} layers");
        Verify(config.Digest!, Bytes(Named(config, "its config", ConfigTypes)));
        foreach (var layer in layers)
            blobs[Named(layer, "a layer", LayerTypes)] = layer.Digest!;
        return (Blob(config.Digest!), [.. layers.Select(layer => Blob(layer.Digest!))]);
    }

    /// <summary>The entry that a descriptor names, which must be there with the size and of a media type that can be judged here.</summary>
    string Named(OciDescriptor? descriptor, string what, IReadOnlyList<string> types)
    {
        if (descriptor is not { Digest: { } digest } || !types.Contains(descriptor.MediaType))
            throw Malformed($"{what} is of the media type '{descriptor?.MediaType}'; accepted are {string.Join(", ", types)}");
        var name = Blob(digest);
        return Find(name).Length == descriptor.Size ? name : throw Malformed($"{what} has {Find(name).Length:N0} bytes, and its descriptor says {descriptor.Size:N0}");
    }

    async Task ValidateAsync(string configName, IReadOnlyList<string> layerNames, long maxBytes, CancellationToken cancel)
    {
        config = Bytes(configName);
        if (Path.GetFileNameWithoutExtension(configName) is { Length: 64 } hex && hex.All(char.IsAsciiHexDigitLower))
            Verify("sha256:" + hex, config);
        var image = ReadConfig(config);
        if (image.Os != "linux" || image.Rootfs is not { Type: "layers", DiffIds: { } ids })
            throw Malformed("its config is no Linux image of layers");
        if (image.Config?.OnBuild is { Length: > 0 })
            throw Malformed("it has ONBUILD triggers, which would act in builds that nobody has judged");
        if (image.Config?.Labels?.Keys.FirstOrDefault(label => label.StartsWith(EngineLabels.Prefix, StringComparison.Ordinal) && label != EngineLabels.CommittedBy && !string.IsNullOrEmpty(image.Config.Labels[label])) is { } label)
            throw Malformed($"it has the label '{label}', which is the gateway's own");
        if (ids.Length != layerNames.Count || ids.Length > MaxLayers)
            throw Malformed($"its config names {ids.Length} layers and its manifest {layerNames.Count}; at most {MaxLayers}");
        var left = maxBytes;
        foreach (var (name, id) in layerNames.Zip(ids))
        {
            var layer = Find(name);
            if (blobs.TryGetValue(name, out var packed) && await DigestAsync(new Part(tar, layer.Offset, layer.Length), long.MaxValue, cancel) is var (found, _) && found != packed)
                throw Malformed($"what is called {packed} has the digest {found}");
            var (digest, length) = await DiffIdAsync(layer, left, cancel);
            if (digest != id)
                throw Malformed($"the layer '{name}' has the digest {digest}, and its config says {id}");
            left -= length;
            layers.Add(layer);
        }
    }

    /// <summary>
    /// Refuses a config that an engine reads otherwise than it is judged: names of members mean the same to it in any case, two letters beyond ASCII stand for ASCII ones there, and of what stands twice it puts both together.
    /// </summary>
    static void EnsureOneReading(JsonElement json, string where = "its config")
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var member in json.ValueKind == JsonValueKind.Object ? json.EnumerateObject() : default)
        {
            if (!System.Text.Ascii.IsValid(member.Name) || !seen.Add(member.Name))
                throw Malformed($"{where} has '{member.Name}' twice, or in letters that are not ASCII");
            if (member.Name.Equals("config", StringComparison.OrdinalIgnoreCase) || member.Name.Equals("rootfs", StringComparison.OrdinalIgnoreCase))
                EnsureOneReading(member.Value, $"'{member.Name}' of {where}");
        }
    }

    /// <summary>The digest of a layer's tar, unpacked when it is compressed, and its length.</summary>
    async Task<(string, long)> DiffIdAsync((long Offset, long Length) layer, long maxBytes, CancellationToken cancel)
    {
        var part = new Part(tar, layer.Offset, layer.Length);
        var magic = new byte[2];
        var isGzip = await part.ReadAtLeastAsync(magic, 2, throwOnEndOfStream: false, cancel) == 2 && magic is [0x1f, 0x8b];
        part.Position = 0;
        await using Stream plain = isGzip ? new GZipStream(part, CompressionMode.Decompress) : part;
        return await DigestAsync(plain, maxBytes, cancel, IsPacked);
    }

    /// <summary>Engines unpack these too, gzip in gzip as well, and nobody has seen what they unpack to.</summary>
    static bool IsPacked(ReadOnlySpan<byte> beginning) =>
        beginning.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]) || beginning.StartsWith("BZh"u8) || beginning.StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'])
        || beginning is [0x28, 0xb5, 0x2f, 0xfd, ..] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..];

    static async Task<(string Digest, long Length)> DigestAsync(Stream plain, long maxBytes, CancellationToken cancel, Func<ReadOnlySpan<byte>, bool>? isOther = null)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (buffer, total) = (new byte[128 << 10], 0L);
        try
        {
            int read;
            while ((read = await plain.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0)
            {
                if (total == 0 && isOther?.Invoke(buffer.AsSpan(0, read)) == true)
                    throw Malformed("a layer is neither a tar nor a gzip of one");
                if ((total += read) > maxBytes)
                    throw new ArtifactException(ArtifactFailure.TooLarge, "The image unpacks to more than an artifact may have.");
                hash.AppendData(buffer, 0, read);
            }
        }
        catch (InvalidDataException defect)
        {
            throw Malformed($"a layer is no gzip: {defect.Message}");
        }
        return ("sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset()), total);
    }

    (long Offset, long Length) Find(string name)
    {
        // Engines write a layer once and link to it from where else it stands.
        for (var hops = 0; hops < 4 && entries.TryGetValue(name, out var entry); hops++)
        {
            if (entry.Link is null)
                return (entry.Offset, entry.Length);
            name = Path.GetFullPath(Path.Combine("/", Path.GetDirectoryName(name)!, entry.Link))[1..];
        }
        throw Malformed($"'{name}' is not in it");
    }

    byte[] Bytes(string name)
    {
        var (offset, length) = Find(name);
        if (length > MaxJsonBytes)
            throw Malformed($"'{name}' has {length:N0} bytes; at most {MaxJsonBytes:N0}");
        var bytes = new byte[length];
        tar.Position = offset;
        tar.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads the config of an image as an engine does.</summary>
    /// <exception cref="ArtifactException">It is none, or could be read in two ways.</exception>
    public static OciImage ReadConfig(byte[] config)
    {
        EnsureOneReading(Json("its config", config, EngineJson.Default.JsonElement));
        return Json("its config", config, Loose.OciImage);
    }

    T Json<T>(string name, JsonTypeInfo<T> type) => Json(name, Bytes(name), type);

    static T Json<T>(string name, byte[] bytes, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw Malformed($"'{name}' is null");
        }
        catch (JsonException defect)
        {
            throw Malformed($"'{name}' is not what it should be: {defect.Message}");
        }
    }

    static string Blob(string digest) =>
        digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.Length == 71 && digest.AsSpan(7).IndexOfAnyExcept("0123456789abcdef") < 0 ? "blobs/sha256/" + digest[7..] : throw Malformed($"'{digest}' is no SHA-256 digest");

    static void Verify(string digest, byte[] bytes)
    {
        if ("sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes)) is var found && found != digest)
            throw Malformed($"what is called {digest} has the digest {found}");
    }

    static ArtifactException Malformed(string problem) => new(ArtifactFailure.Malformed, $"This is no image that can be loaded: {problem}.");

    /// <summary>A part of the archive as a stream of its own. One is read at a time.</summary>
    sealed class Part(FileStream file, long offset, long length) : Stream
    {
        long position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get => position; set => position = value; }

        public override int Read(Span<byte> buffer)
        {
            var read = RandomAccess.Read(file.SafeFileHandle, buffer[..(int)Math.Min(buffer.Length, length - position)], offset + position);
            position += read;
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await RandomAccess.ReadAsync(file.SafeFileHandle, buffer[..(int)Math.Min(buffer.Length, length - position)], offset + position, cancellationToken);
            position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin) => position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => position + offset, _ => length + offset };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
